import Foundation

/// A loaded model: weights, tokenizer and chat template. Immutable; any number of engines can share it.
public final class LanguageModel: Sendable {
    /// What clients call the model: the name of the file or directory without its extension.
    public let name: String
    /// The shape of the network.
    public let configuration: ModelConfiguration
    public let tokenizer: Tokenizer
    /// `nil` if the model file has none: such a model completes text but can't chat.
    public let chatTemplate: ChatTemplate?
    /// What a request that names no sampling parameters gets: the model's own recommendation where its file has one.
    public let defaultSampling: SamplingParameters
    /// Seconds since 1970 of the model file's last change: the stable `created` of API answers.
    public let created: Int
    /// One line for logs and status pages: architecture, parameters, weight types, precision.
    public let summary: String
    /// Time that loading took.
    public let loadDuration: Duration
    package let weights: ModelWeights
    /// All weights are FP32: then the KV cache is too.
    let usesFullPrecision: Bool

    /// Longest sequence that the model was trained for, in tokens.
    public var contextLength: Int { configuration.contextLength }

    /// Loads the model at `path` (a `.gguf` file, a directory that holds one, or a Hugging Face directory), or returns the one already loaded from there: two
    /// loads of one path give one model. Loading runs on a thread of its own.
    ///
    /// - Throws: ``InferenceError`` `modelNotFound`, `invalidModelFile`, `unsupportedModel`, `invalidConfiguration`, `outOfMemory`.
    public static func load(path: String, options: LoadOptions = LoadOptions()) async throws -> LanguageModel {
        try await ModelStore.shared.model(at: path, options: options)
    }

    /// How a model is loaded.
    public struct LoadOptions: Sendable, Hashable {
        public var precision: Precision
        /// Threads for converting weights; `nil`: as many as the process may use.
        public var threads: Int?

        public init(precision: Precision = .auto, threads: Int? = nil) {
            self.precision = precision
            self.threads = threads
        }
    }

    /// The form in which weights are held.
    public enum Precision: String, Sendable, CaseIterable {
        /// Quantised files stay quantised, BF16 files BF16, F32 files F32; F16 files stay F16 where the processor converts it in hardware,
        /// else they become FP32.
        case auto
        /// All products as with FP32 weights, and an FP32 KV cache. Matrices whose numbers are all BF16 or F16 ones take half the memory.
        case fp32
        case fp16
        /// BF16, and where the processor has fast products of them (AMD's with AVX-512 BF16), activations rounded to it too: prompts are
        /// read about twice as fast there as with `fp16`, with results of about three digits.
        case bf16
    }

    /// Reads and checks the file, and converts the weights as `options` say. Only ``ModelStore`` calls this, so that one file is loaded once.
    init(location: ModelLocation, options: LoadOptions) throws(InferenceError) {
        let start = ContinuousClock.now
        try Kernels.validateSelection()
        let files = try ModelFiles(location)
        let blueprint = try ModelBlueprint(files)
        let text = try ModelText(files)
        try text.check(against: blueprint.configuration)
        name = location.name
        configuration = blueprint.configuration
        tokenizer = text.tokenizer
        chatTemplate = text.chatTemplate
        defaultSampling = text.defaultSampling
        created = Self.modificationTime(location.path)

        let pool = ComputePool(workerCount: options.threads ?? MachineTopology.usableCores)
        defer { pool.stop() }
        weights = try WeightLoader(blueprint: blueprint, precision: options.precision, pool: pool).load()
        usesFullPrecision = weights.isFullPrecision
        summary = Self.summarize(configuration, blueprint.source, options.precision)
        loadDuration = .now - start
    }

    private static func modificationTime(_ path: String) -> Int {
        let date = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
        return Int((date?.timeIntervalSince1970 ?? 0).rounded(.down))
    }

    private static func summarize(_ configuration: ModelConfiguration, _ source: any TensorSource, _ precision: Precision) -> String {
        let tensors = source.storedTensors
        let parameters = tensors.reduce(0) { $0 + $1.elementCount }
        var bytes: [TensorType: Int] = [:]
        for tensor in tensors { bytes[tensor.type, default: 0] += tensor.byteCount }
        let types = bytes.sorted { $0.value > $1.value }.map(\.key.name).joined(separator: " + ")
        return "\(configuration.architecture), \(parameters / 1_000_000)M parameters, weights \(types), precision \(precision.rawValue), "
            + "context \(configuration.contextLength)"
    }
}
