import Foundation
import StellarInference
import Testing

/// Models whose configuration and weights do not fit each other, or are of kinds that are not supported: errors that say what is wrong.
@Suite("Models that contradict themselves")
struct ArchitectureErrorTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// The error of a fixture with changed members of its configuration (`NSNull` for null, `nil` to remove) and changed tensors.
    private func error(
        _ name: String,
        _ changes: [String: Any?] = [:],
        tensors change: (inout [ArchitectureFixture.Tensor]) -> Void = { _ in }
    ) throws -> InferenceError? {
        let fixture = ArchitectureFixture(name: name)
        var configuration = try fixture.configuration()
        for (key, value) in changes { configuration[key] = value }
        var tensors = try fixture.tensors()
        change(&tensors)
        try ArchitectureFixture.write(configuration, tensors, to: directory)
        do throws(InferenceError) {
            _ = try ModelBlueprint(.huggingFace(HuggingFaceDirectory(path: directory.path)))
            return nil
        } catch {
            return error
        }
    }

    @Test("a missing tensor is named with its shape, in every family", arguments: ArchitectureFixture.all)
    func missing(fixture: ArchitectureFixture) throws {
        let tensors = try fixture.tensors()
        for index in stride(from: 0, to: tensors.count, by: 5) {
            let error = try error(fixture.name) { $0.remove(at: index) }
            #expect(error?.code == .invalidModelFile)
            let parts = tensors[index].name.split(separator: ".")
            #expect(
                error?.message.contains(parts[parts.count - 2]) == true || error?.message.contains("q_proj") == true
                    || error?.message.contains("gate_proj") == true,
                "\(tensors[index].name): \(error?.message ?? "")"
            )
        }
    }

    @Test("a tensor of another shape is named with both shapes, in every family", arguments: ArchitectureFixture.all)
    func misshapen(fixture: ArchitectureFixture) throws {
        let tensors = try fixture.tensors()
        for index in stride(from: 1, to: tensors.count, by: 5) {
            let error = try error(fixture.name) { tensors in
                let row = tensors[index].values.count / tensors[index].shape[0]
                tensors[index].shape[0] += 1
                tensors[index].values += [Float](repeating: 0, count: row)
            }
            #expect(error?.code == .invalidModelFile)
            let shape = tensors[index].shape.map(String.init)
            let wrong = ["\(tensors[index].shape[0] + 1)"] + shape.dropFirst()
            for text in [tensors[index].name, "[\(shape.joined(separator: ", "))]", "[\(wrong.joined(separator: ", "))]"] {
                #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test("a tensor too many is named")
    func extra() throws {
        let error = try error("llama") { $0.append(.init(name: "model.layers.0.self_attn.sinks", shape: [4], values: [0, 0, 0, 0])) }
        #expect(error?.code == .unsupportedModel)
        #expect(error?.message.contains("model.layers.0.self_attn.sinks") == true)
    }

    @Test("weights that are there twice, joined and apart, are refused")
    func twice() throws {
        let error = try error("llama") { tensors in
            tensors.append(
                .init(name: "model.layers.1.mlp.gate_up_proj.weight", shape: [96, 32], values: .init(repeating: 0, count: 96 * 32))
            )
        }
        #expect(error?.code == .invalidModelFile)
        #expect(error?.message.contains("gate_up_proj") == true || error?.message.contains("gate_proj") == true)
    }

    @Test("values that contradict each other or are missing are named")
    func wrongValues() throws {
        let cases: [(String, [String: Any?], String)] = [
            ("llama", ["hidden_size": nil], "hidden_size"), ("llama", ["hidden_size": "large"], "hidden_size"),
            ("llama", ["num_attention_heads": 0], "head count"), ("llama", ["num_key_value_heads": 3], "evenly"),
            ("llama", ["num_hidden_layers": 1 << 40], "block count"), ("llama", ["num_hidden_layers": -1], "block count"),
            ("llama", ["rms_norm_eps": -1], "epsilon"), ("llama", ["head_dim": 7], "rotates"), ("llama", ["hidden_act": "relu"], "relu"),
            ("llama", ["vocab_size": 1e300], "vocab_size"), ("llama", ["attention_bias": "yes"], "attention_bias"),
            ("llama", ["rope_parameters": ["rope_type": "spiral"]], "spiral"), ("llama", ["rope_parameters": [1]], "object"),
            ("llama", ["rope_parameters": ["rope_type": "linear"]], "factor"),
            ("llama", ["rope_parameters": ["rope_type": "linear", "factor": 0]], "RoPE scaling"),
            ("llama", ["rope_parameters": ["rope_theta": 0]], "RoPE base"),
            ("llama", ["rope_parameters": ["partial_rotary_factor": 1e9]], "rotates"),
            ("llama-llama3", ["rope_parameters": ["rope_type": "llama3", "factor": 8]], "low_freq_factor"),
            (
                "llama-yarn", ["rope_parameters": ["rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 0]],
                "original context"
            ),
            ("phi3-longrope", ["rope_parameters": ["rope_type": "longrope", "short_factor": [1], "long_factor": [1]]], "RoPE factors"),
            ("mistral", ["sliding_window": 0], "window"), ("qwen2", ["layer_types": ["full_attention"]], "layer_types"),
            ("qwen2", ["layer_types": ["full_attention", "chunked_attention"]], "chunked_attention"),
            ("smollm3", ["no_rope_layers": [1, 1]], "RoPE"),
            ("smollm3", ["no_rope_layers": NSNull(), "no_rope_layer_interval": 0], "RoPE"),
            ("mixtral", ["num_experts_per_tok": 6], "experts a token"), ("mixtral", ["num_local_experts": 0], "expert count"),
            ("mixtral", ["num_local_experts": 1 << 62], "expert count"),
            ("qwen3-moe", ["moe_intermediate_size": 0], "expert feed-forward"), ("qwen3-moe", ["decoder_sparse_step": 0], "sparse_step"),
            ("gemma2", ["query_pre_attn_scalar": 0], "attention scale"), ("gemma2", ["attn_logit_softcapping": -1], "soft cap"),
            ("gemma3", ["use_bidirectional_attention": true], "embedding models"), ("granite", ["logits_scaling": 0], "logit scale"),
            ("stellarbyte-moe", ["scoring_func": "sigmoid"], "sigmoid"),
            ("stellarbyte-dense", ["rope_scaling": ["type": "linear"]], "linear"),
            ("stellarbyte-dense", ["model_type": "mamba"], "mamba"), ("stellarbyte-dense", ["num_attention_heads": 0], "head count"),
        ]
        for (name, changes, text) in cases {
            let error = try error(name, changes)
            #expect(error?.message.contains(text) == true, "\(name) \(changes): \(error?.message ?? "no error")")
        }
    }
}
