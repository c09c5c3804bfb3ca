import Synchronization

/// Cancels a reply whether it has begun or not. Any thread.
final class ReplyCanceller: Sendable {
    private struct State {
        var isCancelled = false
        var reply: ReplyEvents?
    }

    private let starting: Task<ChatReply, any Error>
    private let state = Mutex(State())

    /// - Parameter starting: Waits for the reply's place.
    init(_ starting: Task<ChatReply, any Error>) {
        self.starting = starting
    }

    func started(_ reply: ChatReply) {
        let isCancelled = state.withLock { state in
            state.reply = reply.events
            return state.isCancelled
        }
        if isCancelled { reply.cancel() }
    }

    func cancel() {
        starting.cancel()
        let reply = state.withLock { state in
            state.isCancelled = true
            return state.reply
        }
        reply?.cancel()
    }
}
