internal import StellarProtocol
internal import Synchronization

/// The events of a reply's only choice, read from its stream by the reply's own reader.
final class SingleReplySource: ReplySource {
    private struct State {
        var lastToken: ContinuousClock.Instant?
        /// The choice's end has been read.
        var isFinished = false
        /// Its time is over.
        var hasExpired = false
        /// Nothing more is told of the reply.
        var isOver = false
        var timer: Task<Void, Never>?
    }

    private let stream: any BatchedChatStream
    private let watch: ReplyWatch
    private let state = Mutex(State())

    /// - Parameter deadline: When the reply is given up.
    init(_ stream: any BatchedChatStream, watch: ReplyWatch, deadline: ContinuousClock.Instant?) {
        self.stream = stream
        self.watch = watch
        guard let deadline else { return }
        let timer = Task { [weak self] in
            guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
            self?.expire()
        }
        state.withLock { $0.timer = timer }
    }

    deinit {
        state.withLock { $0.timer?.cancel() }
    }

    private func expire() {
        state.withLock { $0.hasExpired = true }
        stream.cancel()
    }

    func nextBatch() async throws -> [ChatEvent]? {
        let events: [ChoiceEvent]?
        do {
            events = try await stream.nextBatch()
        } catch {
            throw broken(by: error)
        }
        guard let events else {
            guard state.withLock({ $0.isFinished }) else { throw broken(by: ReplyWatch.brokenOff) }
            return nil
        }
        return state.withLock { state in
            events.map { event in
                if !state.isOver { watch.observe(event, &state.lastToken) }
                if case .finished = event { state.isFinished = true }
                return ChatEvent(choice: 0, event)
            }
        }
    }

    private func broken(by error: any Error) -> any Error {
        if Task.isCancelled { cancel() }
        guard endsHere() else { return CancellationError() }
        return watch.failed(state.withLock { $0.hasExpired } ? APIError.timedOut() : error)
    }

    /// Whether the reply is over now and was not before.
    private func endsHere() -> Bool {
        state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver && !state.isFinished
        }
    }

    func poke() {
        stream.interrupt()
    }

    func cancel() {
        let endsHere = endsHere()
        stream.cancel()
        if endsHere { watch.cancelled() }
    }
}
