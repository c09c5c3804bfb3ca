import StellarProtocol

/// What a generation delivers to a WebSocket connection.
enum ReplyPart: Sendable {
    /// The request was valid and has a place in the queue.
    case started(ReplyRecorder?)
    case event(ChatEvent)

    /// Starts the generation. Throws ``APIError`` through the pump.
    static func pump(
        _ request: ChatCompletionRequest,
        content: ChatContent? = nil,
        exchange: StoredExchange? = nil,
        chat: ChatService,
        access: AccessPolicy,
        caller: Caller
    ) -> StreamPump<ReplyPart> {
        StreamPump { continuation in
            if let status = access.admit(caller), status.retryAfter != nil { throw APIError.rateLimited(status) }
            var request = request
            if let exchange { request.messages = try await exchange.conversation(request.messages, content: content) }
            let reply = try await access.metering(caller) { [request] in try await chat.start(request) }
            var recorder: ReplyRecorder?
            if let exchange { recorder = try await reply.recorder(exchange, request.messages) }
            continuation.yield(.started(recorder))
            for try await event in reply.events { continuation.yield(.event(event)) }
        }
    }
}
