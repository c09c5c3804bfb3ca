public import ArgumentParser
import Foundation
public import StellarInference

/// The model that a command works on.
struct ModelArgument: ParsableArguments {
    static let defaultPath = "./models/test/SmolLM-135M-Instruct"

    @Argument(help: "A .gguf file, a directory that holds one, or a Hugging Face model directory.")
    var model: String?

    /// The argument, else `MODEL_PATH`, else where scripts/run puts the test model.
    var path: String {
        if let model { return model }
        if let path = ProcessInfo.processInfo.environment["MODEL_PATH"], !path.isEmpty { return path }
        return Self.defaultPath
    }

    /// The model's tokenizer alone: no weights are needed.
    func tokenizer() throws -> Tokenizer {
        try Tokenizer.read(path: path)
    }
}

/// How a model is loaded and run.
struct EngineOptions: ParsableArguments {
    @Option(help: "Form of the weights: \(LanguageModel.Precision.allCases.map(\.rawValue).joined(separator: ", ")).")
    var precision: LanguageModel.Precision = .auto

    @Option(help: "Compute threads. (default: the cores that the process may use)")
    var threads: Int?

    @Option(help: "Longest sequence, prompt and reply, in tokens. (default: the model's)")
    var contextLength: Int?

    @Option(help: "Form of the KV cache: \(EngineConfiguration.CacheType.allCases.map(\.rawValue).joined(separator: ", ")).")
    var kvCache: EngineConfiguration.CacheType = .auto

    @Option(help: "What multiplies prompts: auto (whichever is faster here), blas or kernels.")
    var matrixProducts: EngineConfiguration.MatrixProducts = .auto

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is \(threads); 1 to 1024 is possible.") }
        if let contextLength, contextLength < 1 { throw ValidationError("--context-length is \(contextLength); it must be positive.") }
    }

    /// Loads the model and starts an engine.
    ///
    /// - Parameter isMeasured: Every token is computed: nothing is guessed or found in a cache. Random prompts end in loops, which would be
    ///   guessed better than any text.
    func start(_ path: String, maxBatch: Int = 1, isMeasured: Bool = false) async throws -> InferenceEngine {
        let model = try await LanguageModel.load(path: path, options: .init(precision: precision, threads: threads))
        let configuration = EngineConfiguration(
            contextLength: contextLength,
            maxBatch: maxBatch,
            maxQueue: maxBatch,
            threads: threads,
            cacheType: kvCache,
            matrixProducts: matrixProducts,
            prefixCaching: !isMeasured,
            speculation: isMeasured ? .off : .auto
        )
        return try InferenceEngine(model: model, configuration: configuration)
    }
}

extension LanguageModel.Precision: ExpressibleByArgument {}
extension EngineConfiguration.CacheType: ExpressibleByArgument {}
extension EngineConfiguration.MatrixProducts: ExpressibleByArgument {}

/// How replies are sampled; what is not given is the model's own default.
struct SamplingOptions: ParsableArguments {
    @Option(help: "0 takes the likeliest token; more varies more. 0 to 2.")
    var temperature: Float?

    @Option(help: "Choose among this many of the likeliest tokens; 0: all.")
    var topK: Int?

    @Option(help: "Choose among the likeliest tokens of this share of the probability. 0 to 1.")
    var topP: Float?

    @Option(help: "Choose among tokens of at least this share of the likeliest one's probability. 0 to 1.")
    var minP: Float?

    @Option(help: "Divides the logits of tokens that have been used; 1: off.")
    var repetitionPenalty: Float?

    @Option(help: "Same seed, same reply.")
    var seed: UInt64?

    func parameters(over defaults: SamplingParameters) -> SamplingParameters {
        var parameters = defaults
        parameters.temperature = temperature ?? parameters.temperature
        parameters.topK = topK ?? parameters.topK
        parameters.topP = topP ?? parameters.topP
        parameters.minP = minP ?? parameters.minP
        parameters.repetitionPenalty = repetitionPenalty ?? parameters.repetitionPenalty
        parameters.seed = seed ?? parameters.seed
        return parameters
    }
}

/// When a reply ends before the model ends it.
struct StopOptions: ParsableArguments {
    @Option(help: "Most tokens of a reply. (default: until the model ends it or the context is full)")
    var maxTokens: Int?

    @Option(help: "End the reply before this text. May be given several times.")
    var stop: [String] = []
}
