/// Where the events of a reply come from.
protocol ReplySource: Sendable {
    /// All events that are there, waiting for the first if there are none; empty after ``poke()``; `nil` at the end.
    ///
    /// - Throws: ``APIError``, or `CancellationError` after ``cancel()`` or where the reading task was cancelled.
    func nextBatch() async throws -> [ChatEvent]?
    /// Makes a waiting ``nextBatch()`` return an empty batch.
    func poke()
    /// Ends the reply; without effect on one that has ended.
    func cancel()
}

/// The events of all choices of a reply in the order in which they came; iterate once.
///
/// Bounded: where the reader is slow, the choices wait. Throws ``APIError``, or `CancellationError` after ``ChatReply/cancel()`` or where
/// the task that iterates was cancelled. When the last copy is dropped, the reply ends.
public struct ReplyEvents: AsyncSequence, Sendable {
    public typealias Element = ChatEvent
    public typealias Failure = any Error

    /// Ends the reply when nobody can read it any more.
    private final class Owner: Sendable {
        let source: any ReplySource

        init(_ source: any ReplySource) {
            self.source = source
        }

        deinit { source.cancel() }
    }

    private let owner: Owner
    /// Sees each event before the reader does, and the end.
    private let tap: (any ReplyTap)?

    init(_ source: any ReplySource) {
        self.init(owner: Owner(source), tap: nil)
    }

    private init(owner: Owner, tap: (any ReplyTap)?) {
        self.owner = owner
        self.tap = tap
    }

    /// These events, seen by `tap` too.
    func tapped(by tap: any ReplyTap) -> ReplyEvents {
        ReplyEvents(owner: owner, tap: tap)
    }

    /// Like ``cancel()``, where it is what the client asked for.
    func cancelForClient() {
        tap?.clientCancels()
        cancel()
    }

    func cancel() {
        owner.source.cancel()
    }

    /// Makes a waiting ``Iterator/nextBatch()`` return an empty batch.
    func poke() {
        owner.source.poke()
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(events: self)
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let events: ReplyEvents
        private var ready: ArraySlice<ChatEvent> = []

        fileprivate init(events: ReplyEvents) {
            self.events = events
        }

        public mutating func next() async throws -> ChatEvent? {
            try await next(isolation: nil)
        }

        public mutating func next(isolation: isolated (any Actor)?) async throws -> ChatEvent? {
            while ready.isEmpty {
                guard let batch = try await nextBatch(isolation: isolation) else { return nil }
                ready = batch[...]
            }
            return ready.removeFirst()
        }

        /// All events that are there; empty after ``ReplyEvents/poke()``.
        mutating func nextBatch(isolation: isolated (any Actor)? = #isolation) async throws -> [ChatEvent]? {
            let (owner, tap) = (events.owner, events.tap)
            do {
                let batch = try await owner.source.nextBatch()
                if let tap {
                    for event in batch ?? [] { tap.record(event) }
                    if batch == nil { await tap.end(error: nil) }
                }
                return batch
            } catch {
                if Task.isCancelled { owner.source.cancel() }
                await tap?.end(error: error)
                throw error
            }
        }
    }
}
