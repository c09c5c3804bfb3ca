/// The events of one generation, in order (see ``GenerationEvent``); iterate once.
///
/// The stream holds a bounded number of events: a generation whose reader does not take them pauses until it does. Cancelling the task
/// that iterates ends the iteration and the generation; dropping the stream and its iterators ends the generation.
///
/// The iterator throws ``InferenceError`` `deadlineExceeded` and `engineStopped`.
public struct GenerationStream: AsyncSequence, Sendable {
    public typealias Element = GenerationEvent
    public typealias Failure = any Error

    /// Ends the generation when nobody can read it any more.
    fileprivate final class Reader: Sendable {
        let channel: EventChannel

        init(_ channel: EventChannel) { self.channel = channel }

        deinit { channel.cancel() }
    }

    private let reader: Reader

    init(_ channel: EventChannel) {
        reader = Reader(channel)
    }

    /// All events that are there, waiting for the first if there are none; empty after ``interrupt()``; `nil` at the end. For readers that
    /// would rather be woken once for a step's events than for each.
    ///
    /// - Throws: As the iterator does.
    public func nextBatch(isolation actor: isolated (any Actor)? = #isolation) async throws -> [GenerationEvent]? {
        try await reader.channel.nextBatch()
    }

    /// Makes a waiting ``nextBatch(isolation:)`` return an empty batch.
    public func interrupt() {
        reader.channel.interrupt()
    }

    /// Ends the generation and what is read of it; without effect on one that has ended.
    public func cancel() {
        reader.channel.cancel()
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(reader: reader)
    }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let reader: Reader

        public mutating func next() async throws -> GenerationEvent? {
            try await reader.channel.next()
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> GenerationEvent? {
            try await reader.channel.next(isolation: actor)
        }
    }
}
