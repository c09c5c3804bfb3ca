/// A loaded model: weights, tokenizer and chat template.
public final class LanguageModel: Sendable {
    /// What clients call the model: the name of the file or directory without its extension.
    public let name: String
    /// Longest sequence that the model was trained for, in tokens.
    public let contextLength: Int
    public let tokenizer: Tokenizer
    /// `nil` if the model file has none: such a model completes text but can't chat.
    public let chatTemplate: ChatTemplate?
    /// What a request that names no sampling parameters gets: the model's own recommendation where its file has one.
    public let defaultSampling: SamplingParameters
    /// Seconds since 1970 of the model file's last change: the stable `created` of API answers.
    public let created: Int
    /// One line for logs and status pages: architecture, parameters, weight types, precision.
    public let summary: String

    init(
        name: String, contextLength: Int, tokenizer: Tokenizer, chatTemplate: ChatTemplate?, defaultSampling: SamplingParameters, created: Int,
        summary: String
    ) {
        self.name = name
        self.contextLength = contextLength
        self.tokenizer = tokenizer
        self.chatTemplate = chatTemplate
        self.defaultSampling = defaultSampling
        self.created = created
        self.summary = summary
    }

    /// Loads the model at `path` (a `.gguf` file, or a directory that holds one), or returns the one already loaded from there: two
    /// loads of one path give one model.
    ///
    /// - Throws: ``InferenceError`` `modelNotFound`, `invalidModelFile`, `unsupportedModel`, `invalidConfiguration`, `outOfMemory`.
    public static func load(path: String, options: LoadOptions = LoadOptions()) async throws -> LanguageModel {
        throw InferenceError(.modelNotFound, "There is no model at \(path).")
    }

    /// How a model is loaded.
    public struct LoadOptions: Sendable, Hashable {
        public var precision: Precision
        /// Compute threads; `nil`: as many as the process may use.
        public var threads: Int?

        public init(precision: Precision = .auto, threads: Int? = nil) {
            self.precision = precision
            self.threads = threads
        }
    }

    /// The form in which weights are held.
    public enum Precision: String, Sendable, CaseIterable {
        /// Quantised files stay quantised, F16 and BF16 files stay half where the CPU converts in hardware, F32 files stay F32.
        case auto
        case fp32
        case fp16
    }
}
