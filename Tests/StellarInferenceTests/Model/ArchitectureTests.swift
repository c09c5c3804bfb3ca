import Foundation
import StellarInference
import Testing

/// Every family against its reference implementation: 64 positions (StellarByte: 48), windows and original contexts shorter than that.
@Suite("Architectures against their reference implementations")
struct ArchitectureTests {
    private static let tolerance = 1e-4

    /// Models whose weights are numbers that BF16 and F16 hold exactly.
    private static let representable = ArchitectureFixture.all.filter { !$0.name.hasPrefix("stellarbyte") }

    @Test("every family has a fixture")
    func complete() throws {
        var families: Set<String> = []
        for fixture in ArchitectureFixture.all {
            families.insert(try fixture.configuration()["model_type"] as? String ?? "")
        }
        // Wrappers of other families' text part have tests of their own below.
        let types = Set(ModelArchitectures.all.flatMap { $0.huggingFaceTypes }).subtracting(["gemma3", "stellarbyte"])
        #expect(families == types)
        let formats = Set(ArchitectureFixture.all.filter { $0.gguf != nil }.map { $0.name })
        #expect(formats.count >= 11)
    }

    @Test("FP32 in one pass, token by token with the cache, and in odd chunks", arguments: ArchitectureFixture.all)
    func fullPrecision(fixture: ArchitectureFixture) throws {
        let expected = try fixture.expected()
        for chunk in [512, 1, 7] {
            let result = try ArchitectureResult(fixture.path, tokens: expected.tokens, chunk: chunk)
            #expect(result.error(expected) <= Self.tolerance, "chunks of \(chunk): \(result.error(expected))")
            #expect(result.argmax == expected.argmax, "chunks of \(chunk)")
        }
    }

    @Test("the GGUF file gives the same", arguments: ArchitectureFixture.all.filter { $0.gguf != nil })
    func gguf(fixture: ArchitectureFixture) throws {
        let expected = try fixture.expected()
        let path = try #require(fixture.gguf)
        for chunk in [512, 5] {
            let result = try ArchitectureResult(path, tokens: expected.tokens, chunk: chunk)
            #expect(result.error(expected) <= Self.tolerance, "chunks of \(chunk): \(result.error(expected))")
            #expect(result.argmax == expected.argmax)
        }
    }

    @Test("BF16 and F16 files give the same; as stored, too, but for keys and values in F16", arguments: representable, ["BF16", "F16"])
    func halves(fixture: ArchitectureFixture, type: String) throws {
        let expected = try fixture.expected()
        let directory = try TemporaryDirectory()
        try ArchitectureFixture.write(try fixture.configuration(), try fixture.tensors(), type: type, to: directory)
        let exact = try ArchitectureResult(directory.path, tokens: expected.tokens)
        #expect(exact.error(expected) <= Self.tolerance, "\(exact.error(expected))")
        let stored = try ArchitectureResult(directory.path, tokens: expected.tokens, precision: .auto)
        #expect(stored.error(expected) <= 2e-3, "\(stored.error(expected))")
    }

    @Test("a token's results do not depend on the chunk it is read in", arguments: ArchitectureFixture.all)
    func chunks(fixture: ArchitectureFixture) throws {
        let tokens = try fixture.expected().tokens
        let single = try ArchitectureResult(fixture.path, tokens: tokens, chunk: 1)
        for chunk in [3, 31] {
            #expect(try ArchitectureResult(fixture.path, tokens: tokens, chunk: chunk).logits == single.logits, "chunks of \(chunk)")
        }
    }

    @Test(
        "nor on whether each worker takes few rows through a step by itself or all share them",
        arguments: ArchitectureFixture.all,
        [LanguageModel.Precision.fp32, .bf16]
    )
    func fewRows(fixture: ArchitectureFixture, precision: LanguageModel.Precision) throws {
        let tokens = Array(try fixture.expected().tokens.prefix(41))
        for chunk in [1, 20] {
            let results = try [1, 100, Transformer.repeatedElements].map { limit in
                try ArchitectureResult(
                    fixture.path,
                    tokens: tokens,
                    chunk: chunk,
                    threads: 3,
                    precision: precision,
                    repeatedElements: limit
                ).logits
            }
            #expect(results[0].count == tokens.count && results[0] == results[1] && results[0] == results[2])
        }
    }

    @Test(
        "nor on whether all workers share a row's work or one does it alone",
        arguments: ArchitectureFixture.all,
        [LanguageModel.Precision.fp32, .bf16]
    )
    func runsOfRows(fixture: ArchitectureFixture, precision: LanguageModel.Precision) throws {
        let longest = try ModelBlueprint(.huggingFace(HuggingFaceDirectory(path: fixture.path))).configuration.contextLength
        let tokens = Array([[TokenID]](repeating: try fixture.expected().tokens, count: 3).joined().prefix(min(128, longest)))
        let results = try [20, 128].map { chunk in
            try ArchitectureResult(fixture.path, tokens: tokens, from: tokens.count - 8, chunk: chunk, precision: precision).logits
        }
        #expect(results[0].count == 8 && results[0] == results[1])
    }

    @Test("the older spelling of config.json means the same", arguments: representable)
    func olderSpelling(fixture: ArchitectureFixture) throws {
        let newer = try ModelBlueprint(.huggingFace(HuggingFaceDirectory(path: fixture.path))).configuration
        let directory = try TemporaryDirectory()
        try ArchitectureFixture.write(try fixture.configuration("config-older.json"), try fixture.tensors(), to: directory)
        #expect(try ModelBlueprint(.huggingFace(HuggingFaceDirectory(path: directory.path))).configuration == newer)
    }

    @Test("the text part of Gemma 3 is found in models that also see", arguments: ["language_model.model.", "model.language_model."])
    func gemma3Wrapper(prefix: String) throws {
        let fixture = ArchitectureFixture(name: "gemma3")
        let expected = try fixture.expected()
        var tensors = try fixture.tensors().map { tensor in
            var tensor = tensor
            tensor.name = prefix + tensor.name.dropFirst("model.".count)
            return tensor
        }
        tensors.append(.init(name: "vision_tower.vision_model.embeddings.patch_embedding.bias", shape: [2], values: [1, 2]))
        let directory = try TemporaryDirectory()
        let configuration: [String: Any] = ["model_type": "gemma3", "text_config": try fixture.configuration(), "vision_config": [:]]
        try ArchitectureFixture.write(configuration, tensors, to: directory)
        let result = try ArchitectureResult(directory.path, tokens: expected.tokens)
        #expect(result.error(expected) <= Self.tolerance)
    }

    @Test("experts may be one tensor for all of a layer", arguments: ["mixtral", "qwen2-moe", "qwen3-moe"])
    func stackedExperts(name: String) throws {
        let fixture = ArchitectureFixture(name: name)
        let expected = try fixture.expected()
        let directory = try TemporaryDirectory()
        try ArchitectureFixture.write(try fixture.configuration(), Self.stack(try fixture.tensors()), to: directory)
        let result = try ArchitectureResult(directory.path, tokens: expected.tokens)
        #expect(result.error(expected) <= Self.tolerance)
    }

    /// gate_up_proj and down_proj of all experts, as `transformers` 5 has them in memory.
    private static func stack(_ tensors: [ArchitectureFixture.Tensor]) -> [ArchitectureFixture.Tensor] {
        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name.replacing("block_sparse_moe", with: "mlp"), $0) })
        var result: [ArchitectureFixture.Tensor] = []
        for (name, tensor) in byName.sorted(by: { $0.key < $1.key }) {
            guard let range = name.range(of: ".experts.") else {
                result.append(.init(name: name, shape: tensor.shape, values: tensor.values))
                continue
            }
            guard name.hasSuffix(".experts.0.gate_proj.weight") || name.hasSuffix(".experts.0.w1.weight") else { continue }
            let stem = String(name[..<range.upperBound])
            let isMixtral = name.hasSuffix("w1.weight")
            let parts = isMixtral ? ["w1", "w3", "w2"] : ["gate_proj", "up_proj", "down_proj"]
            var (gateUp, down, count) = ([Float](), [Float](), 0)
            while let gate = byName["\(stem)\(count).\(parts[0]).weight"], let up = byName["\(stem)\(count).\(parts[1]).weight"],
                let own = byName["\(stem)\(count).\(parts[2]).weight"]
            {
                gateUp += gate.values + up.values
                down += own.values
                count += 1
            }
            let (inner, hidden) = (tensor.shape[0], tensor.shape[1])
            result.append(.init(name: stem + "gate_up_proj", shape: [count, 2 * inner, hidden], values: gateUp))
            result.append(.init(name: stem + "down_proj", shape: [count, hidden, inner], values: down))
        }
        return result
    }
}
