import Foundation
import StellarInference
import StellarTestSupport
import Testing

/// A tiny random model of one family and what its reference implementation computes for it.
///
/// Made by Tests/reference/architecture_fixtures.py with `transformers`; those of StellarByte by its own reference implementation.
struct ArchitectureFixture: CustomTestStringConvertible {
    struct Expected: Decodable {
        let tokens: [TokenID]
        let argmax: [Int]
        let logSumExp: [Double]
        let last: [Double]

        enum CodingKeys: String, CodingKey {
            case tokens = "input_ids"
            case argmax = "argmax_per_position"
            case logSumExp = "logsumexp_per_position"
            case last = "logits_last"
        }
    }

    let name: String

    private static let root = TestModel.repositoryRoot.appendingPathComponent("Tests/StellarInferenceTests/Fixtures/architectures")

    static let all: [ArchitectureFixture] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return names.filter { !$0.hasPrefix(".") && !$0.hasSuffix(".md") }.sorted().map(ArchitectureFixture.init)
    }()

    var testDescription: String { name }
    var path: String { Self.root.appendingPathComponent(name).path }
    var gguf: String? { FileManager.default.fileExists(atPath: path + "/model.gguf") ? path + "/model.gguf" : nil }

    func expected() throws -> Expected {
        try JSONDecoder().decode(Expected.self, from: Data(contentsOf: URL(fileURLWithPath: path + "/expected.json")))
    }

    func configuration(_ file: String = "config.json") throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path + "/" + file)))
        return value as? [String: Any] ?? [:]
    }

    /// The tensors as FP32 numbers.
    func tensors() throws -> [Tensor] {
        try HuggingFaceDirectory(path: path).storedTensors.map { tensor in
            Tensor(name: tensor.name, shape: tensor.shape, values: Array(tensor.bytes.bindMemory(to: Float.self)))
        }
    }

    struct Tensor {
        var name: String
        var shape: [Int]
        var values: [Float]
    }

    /// Writes a Hugging Face directory.
    static func write(_ configuration: [String: Any], _ tensors: [Tensor], type: String = "F32", to directory: TemporaryDirectory) throws {
        var writer = SafetensorsWriter()
        for tensor in tensors { writer.add(tensor.name, tensor.shape, floats: tensor.values, dtype: type) }
        try directory.write("model.safetensors", writer.bytes())
        try directory.write("config.json", Array(JSONSerialization.data(withJSONObject: configuration)))
    }
}

/// What a model computes for a fixture's tokens.
struct ArchitectureResult {
    private(set) var argmax: [Int] = []
    private(set) var logSumExp: [Double] = []
    private(set) var logits: [[Float]] = []

    /// - Parameters:
    ///   - path: A GGUF file or a Hugging Face directory.
    ///   - first: The first token whose logits are wanted.
    ///   - chunk: Tokens a forward pass.
    ///   - repeatedElements: As ``Transformer`` takes it.
    init(
        _ path: String,
        tokens: [TokenID],
        from first: Int = 0,
        chunk: Int = 512,
        threads: Int = 2,
        precision: LanguageModel.Precision = .fp32,
        repeatedElements: Int = Transformer.repeatedElements
    ) throws {
        let files = try ModelFiles(ModelLocation(path: path))
        let options = LogitEvaluator.Options(precision: precision, threads: threads, chunk: chunk, repeatedElements: repeatedElements)
        let evaluator = try LogitEvaluator(files, contextLength: tokens.count, options: options)
        try evaluator.evaluate(tokens, from: first) { _, row in
            argmax.append(LogitSummary.argmax(row))
            logSumExp.append(Double(LogitSummary.logSumExp(row)))
            logits.append(Array(row))
        }
    }

    /// Greatest difference: of the last logits in units of the largest, of the log-sum-exp relative to itself where that is above 1.
    func error(_ expected: ArchitectureFixture.Expected) -> Double {
        guard logSumExp.count == expected.logSumExp.count, let last = logits.last, last.count == expected.last.count else {
            return .infinity
        }
        let scale = expected.last.map(abs).max() ?? 1
        let ofLogits = zip(last, expected.last).map { abs(Double($0) - $1) / scale }.max() ?? .infinity
        let ofSums = zip(logSumExp, expected.logSumExp).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? .infinity
        // NaN is no small error.
        return ofLogits.isNaN || ofSums.isNaN ? .infinity : max(ofLogits, ofSums)
    }
}
