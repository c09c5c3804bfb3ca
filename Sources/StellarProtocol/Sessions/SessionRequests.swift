/// A field of a change: left alone, or set, where `null` sets it to nothing.
public enum FieldChange<Value: Sendable & Equatable>: Sendable, Equatable {
    case unchanged
    case set(Value?)

    /// What the field is after the change.
    public func applied(to old: Value?) -> Value? {
        switch self {
        case .unchanged: old
        case .set(let new): new
        }
    }

    /// What the field is after the change, where nothing is no value: `null` leaves it alone.
    public func value(or old: Value) -> Value {
        if case .set(let new?) = self { return new }
        return old
    }
}

extension KeyedDecodingContainer {
    func decodeChange<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> FieldChange<Value> {
        contains(key) ? .set(try decodeIfPresent(type, forKey: key)) : .unchanged
    }
}

/// The body of `POST /api/sessions` (all fields optional) and of `PATCH /api/sessions/{id}` (`id` is not looked at).
public struct SessionChange: Decodable, Sendable, Equatable {
    public var id: String?
    public var title = FieldChange<String>.unchanged
    public var model = FieldChange<String>.unchanged
    public var systemPrompt = FieldChange<String>.unchanged
    public var pinned = FieldChange<Bool>.unchanged
    public var settings = FieldChange<JSONValue>.unchanged
    public var currentMessageID = FieldChange<String>.unchanged

    public init() {}

    enum CodingKeys: String, CodingKey {
        case id, title, model, pinned, settings
        case systemPrompt = "system_prompt"
        case currentMessageID = "current_message_id"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decodeIfPresent(String.self, forKey: .id)
        title = try container.decodeChange(String.self, forKey: .title)
        model = try container.decodeChange(String.self, forKey: .model)
        systemPrompt = try container.decodeChange(String.self, forKey: .systemPrompt)
        pinned = try container.decodeChange(Bool.self, forKey: .pinned)
        settings = try container.decodeChange(JSONValue.self, forKey: .settings)
        currentMessageID = try container.decodeChange(String.self, forKey: .currentMessageID)
        if case .set(let value?) = settings, !value.isObject {
            throw DecodingError.typeMismatch(
                [String: JSONValue].self,
                .init(codingPath: container.codingPath + [CodingKeys.settings], debugDescription: "an object")
            )
        }
    }
}

extension JSONValue {
    /// Whether this is an object.
    public var isObject: Bool {
        if case .object = self { return true }
        return false
    }
}

/// The body of `POST /api/sessions/{id}/messages`.
public struct NewSessionMessage: Decodable, Sendable, Equatable {
    public var id: String?
    /// Left out: the session's current message. `null`: none.
    public var parentID = FieldChange<String>.unchanged
    public var role: SessionMessage.Role
    public var content: String
    public var state: SessionMessage.State?
    public var finishReason: String?
    public var model: String?
    public var usage: JSONValue?
    public var timings: JSONValue?

    public init(id: String? = nil, role: SessionMessage.Role, content: String) {
        self.id = id
        self.role = role
        self.content = content
    }

    enum CodingKeys: String, CodingKey {
        case id, role, content, state, model, usage, timings
        case parentID = "parent_id"
        case finishReason = "finish_reason"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decodeIfPresent(String.self, forKey: .id)
        parentID = try container.decodeChange(String.self, forKey: .parentID)
        role = try container.decodeChoice(SessionMessage.Role.self, forKey: .role)
        content = try container.decode(String.self, forKey: .content)
        state = try container.decodeChoiceIfPresent(SessionMessage.State.self, forKey: .state)
        finishReason = try container.decodeIfPresent(String.self, forKey: .finishReason)
        model = try container.decodeIfPresent(String.self, forKey: .model)
        usage = try container.decodeIfPresent(JSONValue.self, forKey: .usage)
        timings = try container.decodeIfPresent(JSONValue.self, forKey: .timings)
    }
}

/// The body of `PATCH /api/sessions/{id}/messages/{message}`.
public struct SessionMessageChange: Codable, Sendable, Equatable {
    public var content: String
}
