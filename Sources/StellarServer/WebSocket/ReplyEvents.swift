import StellarProtocol

/// What a generation delivers to a WebSocket connection.
enum ReplyPart: Sendable, Equatable {
    /// The request was valid and has a place in the queue.
    case started
    case event(ChatEvent)

    /// Starts the generation.
    static func pump(_ request: ChatCompletionRequest, chat: ChatService) -> StreamPump<ReplyPart> {
        StreamPump { continuation in
            let reply = try await chat.start(request)
            continuation.yield(.started)
            for try await event in reply.events { continuation.yield(.event(event)) }
        }
    }
}

/// The events of one reply on the wire, and its text for the conversation.
///
/// A pure state machine. A reply that is cancelled ends in the same order as any other, with finish reason `cancelled`.
struct ReplyEvents {
    static let cancelled = "cancelled"

    /// The reply so far.
    private(set) var text = ""
    private let id: String?
    private var mapper: WebSocketMapper
    private var hasStarted = false
    private var isComplete = false
    private var tokens = 0

    init(id: String?) {
        self.id = id
        mapper = WebSocketMapper(id: id)
    }

    mutating func events(for part: ReplyPart) -> [WebSocketServerEvent] {
        switch part {
        case .started:
            hasStarted = true
            return mapper.start()
        case .event(let event):
            switch event.event {
            case .delta(let delta):
                text += delta.text
                tokens += delta.tokenCount
            case .finished: isComplete = true
            }
            return mapper.map(event)
        }
    }

    /// The last events of a reply that is complete or was cancelled. Of a cancelled one the prompt's length is not known here: its
    /// `input_tokens` is 0.
    mutating func finish() -> [WebSocketServerEvent] {
        guard !isComplete else { return mapper.finish() }
        let usage = WebSocketUsage(inputTokens: 0, outputTokens: tokens)
        let end: [WebSocketServerEvent.Payload] = [
            .contentBlockStop(index: 0), .messageDelta(finishReason: Self.cancelled, usage: usage), .messageStop,
        ]
        return (hasStarted ? [] : mapper.start()) + end.map { WebSocketServerEvent($0, id: id) }
    }

    mutating func fail(_ error: any Error) -> [WebSocketServerEvent] {
        mapper.fail(APIError(anyError: error))
    }
}
