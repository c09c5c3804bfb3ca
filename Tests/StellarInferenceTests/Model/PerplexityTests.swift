import Foundation
import StellarInference
import StellarTestSupport
import Testing

/// How well a model predicts a fixed text, in the precisions in which weights can be held. The text is the United States Declaration of
/// Independence (1776, abridged).
@Suite("Perplexity", .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason)), .serialized)
struct PerplexityTests {
    /// The test model, and what `STELLAR_MODELS` names besides (paths separated by colons): the same model in other storage kinds.
    private static let models =
        [TestModel.path] + (ProcessInfo.processInfo.environment["STELLAR_MODELS"] ?? "").split(separator: ":").map(String.init)

    @Test("stored and FP16 weights stay within 0.5 % of FP32 weights of the same file", arguments: models)
    func storedWeights(path: String) async throws {
        let exact = try await perplexity(path, .fp32)
        for precision in [LanguageModel.Precision.auto, .fp16] {
            let value = try await perplexity(path, precision)
            let difference = value / exact - 1
            print("\(path), \(precision): \(value), FP32: \(exact), difference \(100 * difference) %")
            #expect(abs(difference) < 0.005, "\(precision)")
        }
    }

    /// exp of the mean negative log-probability of each token after those before it.
    private func perplexity(_ path: String, _ precision: LanguageModel.Precision) async throws -> Double {
        let model = try await LanguageModel.load(path: path, options: .init(precision: precision))
        let pass = try ForwardPass(model, usesBLAS: false, fullPrecisionCache: precision == .fp32)
        let file = TestModel.repositoryRoot.appendingPathComponent("Tests/StellarInferenceTests/Fixtures/model/declaration.txt")
        let tokens = try model.tokenizer.encode(String(contentsOf: file, encoding: .utf8))
        let blocks = try pass.blocks(for: tokens.count)
        defer { pass.release(blocks) }
        var sum = 0.0
        for start in stride(from: 0, to: tokens.count - 1, by: 64) {
            // Each token is a segment of its own, so that all of them have logits: keys and values of a batch are stored before any is read.
            let rows = start..<min(start + 64, tokens.count - 1)
            let batch = Batch(segments: rows.map { Batch.Segment(tokens: [tokens[$0]], start: $0, blocks: blocks, wantsLogits: true) })
            let logits = pass.transformer.forward(batch)
            let size = model.configuration.vocabularySize
            for row in rows {
                let values = Array(logits[(row - start) * size..<(row - start + 1) * size])
                sum += Double(logSumExp(values) - values[Int(tokens[row + 1])])
            }
        }
        return exp(sum / Double(tokens.count - 1))
    }
}
