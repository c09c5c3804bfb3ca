/// Limits of an ``InferenceEngine``; `nil` is chosen by the engine from the model and the machine.
public struct EngineConfiguration: Sendable, Equatable {
    /// Longest sequence (prompt and reply), in tokens; at most what the model was trained for.
    public var contextLength: Int?
    /// Most sequences in one step.
    public var maxBatch: Int?
    /// Most requests waiting for a place.
    public var maxQueue: Int
    /// Compute threads; `nil`: the physical cores that the process may use.
    public var threads: Int?
    /// Bytes for the KV cache; `nil`: up to a quarter of the memory. Never less than one full context takes.
    public var cacheBytes: Int?
    /// Form of the keys and values of past tokens.
    public var cacheType: CacheType
    /// How the products of whole prompt chunks are computed.
    public var matrixProducts: MatrixProducts
    /// Same request and seed, same tokens, whatever else runs, is cached, or was cut how: prompts never go through BLAS (`matrixProducts`
    /// must not be `blas`). Without it that holds as long as BLAS is not in use (see ``InferenceEngine/usesBLAS``).
    public var reproducible: Bool
    /// Keep keys and values of earlier prompts and replies, and use them for prompts that begin with the same tokens.
    public var prefixCaching: Bool
    /// Guess the next tokens from repetitions in the sequence's own text, and check several guesses in one step, where that is faster. The
    /// tokens are the same as without.
    public var speculation: Speculation
    /// Most prompt tokens in a step; `nil`: chosen by the engine.
    public var prefillChunk: Int?

    /// When to guess tokens.
    public enum Speculation: String, Sendable, CaseIterable {
        case off
        /// Where guesses of the sequence were right often enough to pay for those that were not.
        case auto
        /// Whenever there is a guess (for tests).
        case always
    }

    /// Forms of keys and values.
    public enum CacheType: String, Sendable, CaseIterable {
        /// FP32 for models whose weights are held so, else FP16.
        case auto
        case f32
        case f16
        /// Eight bits, and a scale for each token and head: half the memory of FP16, slightly less exact.
        case q8

        /// - Parameter fullPrecision: Whether the model's weights are held in FP32.
        func element(fullPrecision: Bool) -> KVCache.Element {
            switch self {
            case .auto: fullPrecision ? .f32 : .f16
            case .f32: .f32
            case .f16: .f16
            case .q8: .q8
            }
        }
    }

    /// How the products of whole prompt chunks are computed; single tokens always go through our own kernels.
    public enum MatrixProducts: String, Sendable, CaseIterable {
        /// Through BLAS where it was measured to be clearly faster than our own kernels.
        case auto
        case blas
        case kernels
    }

    public init(
        contextLength: Int? = nil,
        maxBatch: Int? = nil,
        maxQueue: Int = 64,
        threads: Int? = nil,
        cacheBytes: Int? = nil,
        cacheType: CacheType = .auto,
        matrixProducts: MatrixProducts = .auto,
        reproducible: Bool = false,
        prefixCaching: Bool = true,
        speculation: Speculation = .auto,
        prefillChunk: Int? = nil
    ) {
        self.contextLength = contextLength
        self.maxBatch = maxBatch
        self.maxQueue = maxQueue
        self.threads = threads
        self.cacheBytes = cacheBytes
        self.cacheType = cacheType
        self.matrixProducts = matrixProducts
        self.reproducible = reproducible
        self.prefixCaching = prefixCaching
        self.speculation = speculation
        self.prefillChunk = prefillChunk
    }
}
