import StellarProtocol

/// What stands between a WebSocket's caller and its replies: limits, and the sessions that exchanges are stored in.
struct ReplyGate: Sendable {
    let chat: ChatService
    let sessions: SessionStore?
    let access: AccessPolicy
    let caller: Caller

    /// - Throws: ``APIError``, or `CancellationError`.
    func start(_ turn: ChatSession.Turn) async throws -> ChatReply {
        if let status = access.admit(caller), status.retryAfter != nil { throw APIError.rateLimited(status) }
        var request = turn.request
        let exchange = try turn.place.map { place throws(APIError) in
            guard let sessions else { throw .sessionsAreOff }
            return try StoredExchange(store: sessions, owner: caller.owner, place: place)
        }
        if let exchange { request.messages = try await exchange.conversation(request.messages, content: turn.content) }
        let reply = try await access.metering(caller) { [request] in try await chat.start(request) }
        return try await reply.stored(exchange, request.messages).0
    }

    /// Calls `action` when the caller's key stops being valid.
    func onRevocation(_ action: @escaping @Sendable () -> Void) -> Int? {
        caller.keyID.flatMap { access.keys?.onRevocation(of: $0, action) }
    }

    func removeWatcher(_ id: Int?) {
        if let id { access.keys?.removeWatcher(id) }
    }
}
