/// Limits of an ``InferenceEngine``; `nil` is chosen by the engine from the model and the machine.
public struct EngineConfiguration: Sendable, Equatable {
    /// Longest sequence (prompt and reply), in tokens; at most what the model was trained for.
    public var contextLength: Int?
    /// Most sequences in one step.
    public var maxBatch: Int?
    /// Most requests waiting for a place.
    public var maxQueue: Int

    public init(contextLength: Int? = nil, maxBatch: Int? = nil, maxQueue: Int = 64) {
        self.contextLength = contextLength
        self.maxBatch = maxBatch
        self.maxQueue = maxQueue
    }
}
