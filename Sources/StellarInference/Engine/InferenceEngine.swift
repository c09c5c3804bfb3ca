/// The public face of the library: runs many generations on one loaded model at the same time.
///
/// Thread contract: every member may be called from any thread or task. Work is done by the engine's own threads; no caller waits for a
/// forward pass.
public final class InferenceEngine: Sendable {
    public let model: LanguageModel
    public let configuration: EngineConfiguration

    /// Starts the engine thread and the compute pool.
    ///
    /// - Throws: ``InferenceError`` `invalidConfiguration`, `outOfMemory`.
    public init(model: LanguageModel, configuration: EngineConfiguration = EngineConfiguration()) throws(InferenceError) {
        self.model = model
        self.configuration = configuration
    }

    /// Queues a generation and returns its events at once.
    ///
    /// Cancelling the task that iterates, or dropping the stream, cancels the generation before the engine's next step and frees its place.
    ///
    /// - Throws: ``InferenceError`` `invalidRequest`, `contextLengthExceeded`, `queueFull`, `engineStopped`.
    public func generate(_ request: GenerationRequest) throws(InferenceError) -> GenerationStream {
        throw InferenceError(.engineStopped, "The engine is not running.")
    }

    /// What the engine is doing now.
    public var status: EngineStatus {
        EngineStatus(running: 0, waiting: 0, usedCacheBlocks: 0, totalCacheBlocks: 0)
    }

    /// Ends all generations with `engineStopped`, and the engine's threads with them. Later calls of ``generate(_:)`` throw.
    public func shutdown() async {}
}

/// The events of one generation; iterate once.
public typealias GenerationStream = AsyncThrowingStream<GenerationEvent, any Error>

/// A snapshot of the engine's load.
public struct EngineStatus: Sendable, Equatable {
    /// Sequences that have a place in the batch.
    public var running: Int
    /// Requests in the queue.
    public var waiting: Int
    public var usedCacheBlocks: Int
    public var totalCacheBlocks: Int

    public init(running: Int, waiting: Int, usedCacheBlocks: Int, totalCacheBlocks: Int) {
        self.running = running
        self.waiting = waiting
        self.usedCacheBlocks = usedCacheBlocks
        self.totalCacheBlocks = totalCacheBlocks
    }
}
