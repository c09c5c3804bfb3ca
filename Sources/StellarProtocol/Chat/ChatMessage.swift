/// One message of a conversation, as a client sends it.
public struct ChatMessage: Codable, Sendable, Equatable {
    /// `system`, `developer`, `user`, `assistant`, `tool` or `function`; others decode and are refused by validation.
    public var role: String
    /// `nil` for an absent or `null` content: an assistant's message that only calls tools.
    public var content: ChatContent?
    /// Who speaks, among several of one role.
    public var name: String?
    public var toolCalls: [ToolCall]?
    /// The call that a `tool` message answers.
    public var toolCallID: String?
    public var refusal: String?
    /// An assistant's thoughts, apart from its reply.
    public var reasoningContent: String?

    public init(
        role: String,
        content: ChatContent? = nil,
        name: String? = nil,
        toolCalls: [ToolCall]? = nil,
        toolCallID: String? = nil,
        refusal: String? = nil,
        reasoningContent: String? = nil
    ) {
        self.role = role
        self.content = content
        self.name = name
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
        self.refusal = refusal
        self.reasoningContent = reasoningContent
    }

    enum CodingKeys: String, CodingKey {
        case role, content, name, refusal
        case toolCalls = "tool_calls"
        case toolCallID = "tool_call_id"
        case reasoningContent = "reasoning_content"
    }
}

/// The content of a message: a string, or an array of parts.
public enum ChatContent: Codable, Sendable, Equatable, WireDescribed {
    case text(String)
    case parts([ContentPart])

    static let wireDescription = "a string or an array of content parts"

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if (try? decoder.unkeyedContainer()) != nil {
            self = .parts(try container.decode([ContentPart].self))
        } else {
            throw DecodingError.typeMismatch(
                ChatContent.self,
                .init(codingPath: decoder.codingPath, debugDescription: Self.wireDescription)
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .parts(let parts): try container.encode(parts)
        }
    }
}

/// One part of a message's content.
public enum ContentPart: Codable, Sendable, Equatable {
    case text(String)
    case refusal(String)
    /// A kind that a text model can't read (`image_url`, `input_audio`, `file`, or one unknown): its type, and all of its object.
    case other(type: String, JSONValue)

    enum CodingKeys: String, CodingKey {
        case type, text, refusal
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let type = try container.decode(String.self, forKey: .type)
        switch type {
        case "text": self = .text(try container.decode(String.self, forKey: .text))
        case "refusal": self = .refusal(try container.decode(String.self, forKey: .refusal))
        default: self = .other(type: type, try JSONValue(from: decoder))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        if case .other(_, let value) = self { return try value.encode(to: encoder) }
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .text(let text):
            try container.encode("text", forKey: .type)
            try container.encode(text, forKey: .text)
        case .refusal(let text):
            try container.encode("refusal", forKey: .type)
            try container.encode(text, forKey: .refusal)
        case .other: break
        }
    }
}

/// A call of a function that an assistant made.
public struct ToolCall: Codable, Sendable, Equatable {
    public struct Function: Codable, Sendable, Equatable {
        public var name: String
        /// A JSON document as a string.
        public var arguments: String

        public init(name: String, arguments: String) {
            self.name = name
            self.arguments = arguments
        }
    }

    public var id: String
    /// `function`, which is also meant where it is absent.
    public var type: String?
    public var function: Function

    public init(id: String, type: String? = "function", function: Function) {
        self.id = id
        self.type = type
        self.function = function
    }
}
