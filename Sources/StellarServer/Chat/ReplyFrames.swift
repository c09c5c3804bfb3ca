/// Makes the frames of one transport out of a reply's events: a pure state machine.
///
/// Called in this order: ``start()`` once, ``map(_:)`` for each event, ``finish()`` once the reply is complete.
public protocol ReplyMapper: Sendable {
    associatedtype Frame: Encodable & Sendable

    mutating func start() -> [Frame]
    mutating func map(_ event: ChatEvent) -> [Frame]
    mutating func finish() -> [Frame]
    /// Appends the JSON of what ``map(_:)`` would return, where that is a frame of text and there is a shorter way to it.
    ///
    /// - Returns: `false`: there is none, and nothing has been appended.
    func writeText(of event: ChatEvent, to bytes: inout [UInt8]) -> Bool
}

extension ReplyMapper {
    public func writeText(of event: ChatEvent, to bytes: inout [UInt8]) -> Bool { false }
}

/// The frames of a reply, in order. The first ones come at once, before anything is generated. Iterate once.
///
/// Throws what the reply throws (``APIError``), and `CancellationError` where the task that iterates was cancelled.
public struct ReplyFrames<Mapper: ReplyMapper>: AsyncSequence, Sendable {
    private let events: ReplyEvents
    private let mapper: Mapper

    init(_ events: ReplyEvents, _ mapper: Mapper) {
        self.events = events
        self.mapper = mapper
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(events: events.makeAsyncIterator(), mapper: mapper)
    }

    public struct Iterator: AsyncIteratorProtocol {
        private enum Phase {
            case start, running, finished
        }

        private var events: ReplyEvents.Iterator
        private var mapper: Mapper
        private var phase = Phase.start
        private var ready: ArraySlice<Mapper.Frame> = []

        fileprivate init(events: ReplyEvents.Iterator, mapper: Mapper) {
            self.events = events
            self.mapper = mapper
        }

        public mutating func next(isolation: isolated (any Actor)?) async throws -> Mapper.Frame? {
            while ready.isEmpty {
                switch phase {
                case .start:
                    phase = .running
                    ready = mapper.start()[...]
                case .running: ready = try await advance(isolation: isolation)
                case .finished: return nil
                }
            }
            return ready.removeFirst()
        }

        public mutating func next() async throws -> Mapper.Frame? {
            try await next(isolation: nil)
        }

        private mutating func advance(isolation: isolated (any Actor)?) async throws -> ArraySlice<Mapper.Frame> {
            if let event = try await events.next(isolation: isolation) { return mapper.map(event)[...] }
            phase = .finished
            try Task.checkCancellation()
            return mapper.finish()[...]
        }
    }
}
