/// What a client sends over `/api/ws/chat`: one JSON object a text frame, told apart by `type`.
public enum WebSocketClientMessage: Sendable, Equatable {
    case message(ChatTurn)
    /// Stop the running reply.
    case cancel
    case ping

    /// `chat.message`: a user's message, and how to reply to it.
    public struct ChatTurn: Sendable, Equatable {
        /// Echoed in every event of the reply.
        public var id: String?
        /// The user's message, added to the conversation.
        public var content: ChatContent?
        /// Model and sampling fields as in chat completions; `messages`, where not empty, replaces the conversation.
        public var request: ChatCompletionRequest
        /// The stored message that the user's message follows. Left out: the session's current one. `null`: none.
        public var parentID = FieldChange<String>.unchanged
        /// Under what id the user's message is stored.
        public var userMessageID: String?
        /// Under what id the reply is stored.
        public var messageID: String?

        public init(id: String? = nil, content: ChatContent?, request: ChatCompletionRequest = ChatCompletionRequest(messages: [])) {
            self.id = id
            self.content = content
            self.request = request
        }
    }
}

extension WebSocketClientMessage: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case type, id, content
        case parentID = "parent_id"
        case userMessageID = "user_message_id"
        case messageID = "message_id"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(String.self, forKey: .type) {
        case "chat.message":
            var request = try ChatCompletionRequest(from: decoder)
            request.unknownFields.removeAll { CodingKeys(stringValue: $0) != nil }
            let content = try container.decodeIfPresent(ChatContent.self, forKey: .content)
            var turn = ChatTurn(id: try container.decodeIfPresent(String.self, forKey: .id), content: content, request: request)
            turn.parentID = try container.decodeChange(String.self, forKey: .parentID)
            turn.userMessageID = try container.decodeIfPresent(String.self, forKey: .userMessageID)
            turn.messageID = try container.decodeIfPresent(String.self, forKey: .messageID)
            // A stored message can be replied to, and a stored reply continued, without being sent again.
            guard content != nil || !request.messages.isEmpty || turn.userMessageID != nil || turn.messageID != nil else {
                throw DecodingError.keyNotFound(CodingKeys.content, .init(codingPath: decoder.codingPath, debugDescription: "no content"))
            }
            self = .message(turn)
        case "chat.cancel": self = .cancel
        case "ping": self = .ping
        default:
            let reason = "the types are chat.message, chat.cancel and ping"
            throw DecodingError.dataCorruptedError(forKey: .type, in: container, debugDescription: reason)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .message(let turn):
            try container.encode("chat.message", forKey: .type)
            try container.encodeIfPresent(turn.id, forKey: .id)
            try container.encodeIfPresent(turn.content, forKey: .content)
            if case .set(let parent) = turn.parentID { try container.encode(parent, forKey: .parentID) }
            try container.encodeIfPresent(turn.userMessageID, forKey: .userMessageID)
            try container.encodeIfPresent(turn.messageID, forKey: .messageID)
            try turn.request.encodeOptions(to: encoder)
        case .cancel: try container.encode("chat.cancel", forKey: .type)
        case .ping: try container.encode("ping", forKey: .type)
        }
    }
}

extension ChatCompletionRequest {
    /// All fields, `messages` only where there are any.
    fileprivate func encodeOptions(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if !messages.isEmpty { try container.encode(messages, forKey: .messages) }
        try encodeFields(into: &container)
    }
}
