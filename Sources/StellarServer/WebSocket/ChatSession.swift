package import StellarProtocol

/// The conversation of one WebSocket connection: which events follow from what the client says and from how replies end.
///
/// A pure state machine; the actions it returns are to be performed in their order.
package struct ChatSession {
    package enum Action: Equatable {
        case send(WebSocketServerEvent)
        /// Generate a reply and report its end by ``ChatSession/replyEnded(_:)``.
        case reply(ChatCompletionRequest, id: String?)
        /// The same for an exchange that is stored. Where the request has no messages, the conversation is the stored one with `content`.
        case storedReply(ChatCompletionRequest, id: String?, content: ChatContent?, ExchangePlace)
        /// End the running reply early.
        case cancelReply
        /// Going away (1001): close the connection.
        case close
    }

    /// How a reply ended.
    package enum ReplyEnd: Equatable {
        /// All of it, or what was there when it was cancelled.
        case text(String)
        case failed
    }

    package let id: String
    /// What the model will see before the next message.
    package private(set) var conversation: [ChatMessage] = []
    /// The conversation as it was before the message that is being replied to; `nil` if no reply runs.
    private var beforeReply: [ChatMessage]?
    private var isShuttingDown = false
    /// Whether the reply that runs is stored.
    private var isStoring = false
    /// The session that exchanges go to where their message names none.
    private let storedSession: String?

    /// - Parameter isStored: whether exchanges are stored in the session of this id.
    package init(id: String, isStored: Bool = false) {
        self.id = id
        storedSession = isStored ? id : nil
    }

    package func start() -> [Action] {
        [.send(WebSocketServerEvent(.sessionStart(sessionID: id)))]
    }

    /// A text message of the client. Whatever it holds, the connection stays usable.
    package mutating func receive(_ text: String) -> [Action] {
        do throws(APIError) {
            switch try JSONCoding.decode(WebSocketClientMessage.self, from: text.utf8) {
            case .message(let turn): return begin(turn)
            case .cancel: return beforeReply == nil ? [] : [.cancelReply]
            case .ping: return [.send(WebSocketServerEvent(.pong))]
            }
        } catch {
            return [Self.error(error, id: nil)]
        }
    }

    private mutating func begin(_ turn: WebSocketClientMessage.ChatTurn) -> [Action] {
        guard beforeReply == nil else {
            let message = "A reply is still being generated. Wait for its message_stop, or end it with chat.cancel."
            return [Self.error(.invalidRequest(message, code: "reply_in_progress"), id: turn.id)]
        }
        guard !isShuttingDown else {
            return [Self.error(.unavailable("The server is shutting down.", code: "shutting_down", retryAfter: nil), id: turn.id)]
        }
        guard (turn.request.n ?? 1) == 1 else {
            return [Self.error(.unsupported("A WebSocket conversation has one reply to a message: n must be 1.", param: "n"), id: turn.id)]
        }
        if let session = turn.request.sessionID ?? storedSession { return store(turn, session) }
        guard turn.content != nil || !turn.request.messages.isEmpty else {
            return [Self.error(.invalidRequest("Missing required parameter: 'content'.", param: "content"), id: turn.id)]
        }
        beforeReply = conversation
        if !turn.request.messages.isEmpty { conversation = turn.request.messages }
        if let content = turn.content { conversation.append(ChatMessage(role: "user", content: content)) }
        var request = turn.request
        request.messages = conversation
        request.stream = true
        return [.reply(request, id: turn.id)]
    }

    /// The conversation is in the database: nothing is kept here.
    private mutating func store(_ turn: WebSocketClientMessage.ChatTurn, _ session: String) -> [Action] {
        beforeReply = conversation
        var request = turn.request
        request.stream = true
        let place = ExchangePlace(
            sessionID: session,
            parentID: turn.parentID,
            userMessageID: turn.userMessageID,
            messageID: turn.messageID
        )
        isStoring = true
        return [.storedReply(request, id: turn.id, content: turn.content, place)]
    }

    /// The reply of the last ``Action/reply(_:id:)`` is over. A failed one leaves no trace: its message can be sent again.
    package mutating func replyEnded(_ end: ReplyEnd) -> [Action] {
        guard let before = beforeReply else { return [] }
        beforeReply = nil
        if isStoring {
            isStoring = false
            return isShuttingDown ? [.close] : []
        }
        switch end {
        case .text(let text) where !text.isEmpty: conversation.append(ChatMessage(role: "assistant", content: .text(text)))
        case .text: break
        case .failed: conversation = before
        }
        return isShuttingDown ? [.close] : []
    }

    /// The server stops: a running reply may finish, nothing new begins.
    package mutating func shutDown() -> [Action] {
        guard !isShuttingDown else { return [] }
        isShuttingDown = true
        return beforeReply == nil ? [.close] : []
    }

    static func error(_ error: APIError, id: String?) -> Action {
        .send(WebSocketServerEvent(.error(error.response.error), id: id))
    }
}
