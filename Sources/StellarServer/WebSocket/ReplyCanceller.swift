import Synchronization

/// Cancels a reply whether it has begun or not. Any thread.
final class ReplyCanceller: Sendable {
    private struct State {
        var isCancelled = false
        var isClients = false
        var reply: ReplyEvents?
    }

    private let starting: Task<ChatReply, any Error>
    private let state = Mutex(State())

    /// - Parameter starting: Waits for the reply's place.
    init(_ starting: Task<ChatReply, any Error>) {
        self.starting = starting
    }

    func started(_ reply: ChatReply) {
        let state = state.withLock { state in
            state.reply = reply.events
            return state
        }
        if state.isCancelled { Self.cancel(reply.events, state.isClients) }
    }

    /// - Parameter isClients: Whether the client asks for it.
    func cancel(isClients: Bool) {
        starting.cancel()
        let reply = state.withLock { state in
            state.isCancelled = true
            state.isClients = state.isClients || isClients
            return state.reply
        }
        if let reply { Self.cancel(reply, isClients) }
    }

    private static func cancel(_ reply: ReplyEvents, _ isClients: Bool) {
        if isClients { reply.cancelForClient() } else { reply.cancel() }
    }
}
