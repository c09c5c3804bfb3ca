import Foundation
import StellarInference
import StellarTestSupport
import Testing

/// What `transformers` computes in FP32 from the test model's file: made by Tests/reference/model_reference.py, which says what each
/// field means.
struct ModelReference: Decodable {
    struct Prompt: Decodable, CustomTestStringConvertible {
        struct Message: Decodable {
            let role: String
            let content: String
        }

        struct Logits: Decodable {
            struct Top: Decodable {
                let tokens: [TokenID]
                let values: [Float]
            }

            let sample: [Float]
            let top: Top
            let argmax: TokenID
            let logSumExp: Float
        }

        struct Greedy: Decodable {
            let tokens: [TokenID]
            let logprobs: [Float]
            let margins: [Float]
        }

        let name: String
        let messages: [Message]?
        let text: String
        let tokens: [TokenID]
        let logits: Logits
        let greedy: Greedy

        var testDescription: String { name }
    }

    let vocabularySample: [TokenID]
    let prompts: [Prompt]

    static func load() throws -> ModelReference {
        let file = TestModel.repositoryRoot.appendingPathComponent("Tests/StellarInferenceTests/Fixtures/model/reference.json")
        return try JSONDecoder().decode(ModelReference.self, from: Data(contentsOf: file))
    }
}
