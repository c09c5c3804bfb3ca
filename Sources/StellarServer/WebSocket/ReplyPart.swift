import StellarProtocol

/// What a generation delivers to a WebSocket connection.
enum ReplyPart: Sendable, Equatable {
    /// The request was valid and has a place in the queue.
    case started
    case event(ChatEvent)

    /// Starts the generation. Throws ``APIError`` through the pump.
    static func pump(_ request: ChatCompletionRequest, chat: ChatService) -> StreamPump<ReplyPart> {
        StreamPump { continuation in
            let reply = try await chat.start(request)
            continuation.yield(.started)
            for try await event in reply.events { continuation.yield(.event(event)) }
        }
    }
}
