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
    /// How the products of whole prompt chunks are computed.
    public var matrixProducts: MatrixProducts

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
        matrixProducts: MatrixProducts = .auto
    ) {
        self.contextLength = contextLength
        self.maxBatch = maxBatch
        self.maxQueue = maxQueue
        self.threads = threads
        self.cacheBytes = cacheBytes
        self.matrixProducts = matrixProducts
    }
}
