/// One message of a stored conversation. Messages form a tree: editing and regenerating make branches. Times are Unix milliseconds.
public struct SessionMessage: Codable, Sendable, Equatable {
    /// How complete a message is.
    public enum State: String, Codable, Sendable, CaseIterable {
        case complete
        /// It is being generated.
        case streaming
        /// The client stopped it.
        case cancelled
        /// The client or the server went away in the middle.
        case interrupted
        /// It ended by an error.
        case failed
    }

    /// Who speaks.
    public enum Role: String, Codable, Sendable, CaseIterable {
        case system, user, assistant
    }

    public var id: String
    public var object = "session.message"
    public var sessionID: String
    /// `nil`: it begins a conversation.
    public var parentID: String?
    public var role: Role
    public var content: String
    public var createdAt: Int
    public var updatedAt: Int
    public var state: State
    public var finishReason: String?
    public var model: String?
    /// Token counts, as in chat completions.
    public var usage: JSONValue?
    /// Times, as in chat completions.
    public var timings: JSONValue?

    public init(
        id: String,
        sessionID: String,
        parentID: String? = nil,
        role: Role,
        content: String,
        createdAt: Int,
        updatedAt: Int,
        state: State = .complete,
        finishReason: String? = nil,
        model: String? = nil,
        usage: JSONValue? = nil,
        timings: JSONValue? = nil
    ) {
        self.id = id
        self.sessionID = sessionID
        self.parentID = parentID
        self.role = role
        self.content = content
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.state = state
        self.finishReason = finishReason
        self.model = model
        self.usage = usage
        self.timings = timings
    }

    enum CodingKeys: String, CodingKey {
        case id, object, role, content, state, model, usage, timings
        case sessionID = "session_id"
        case parentID = "parent_id"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case finishReason = "finish_reason"
    }

    /// Of an imported document `id`, `role` and `content` have to be there.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        sessionID = try container.decodeIfPresent(String.self, forKey: .sessionID) ?? ""
        parentID = try container.decodeIfPresent(String.self, forKey: .parentID)
        role = try container.decodeChoice(Role.self, forKey: .role)
        content = try container.decode(String.self, forKey: .content)
        createdAt = try container.decodeIfPresent(Int.self, forKey: .createdAt) ?? 0
        updatedAt = try container.decodeIfPresent(Int.self, forKey: .updatedAt) ?? 0
        state = try container.decodeChoiceIfPresent(State.self, forKey: .state) ?? .complete
        finishReason = try container.decodeIfPresent(String.self, forKey: .finishReason)
        model = try container.decodeIfPresent(String.self, forKey: .model)
        usage = try container.decodeIfPresent(JSONValue.self, forKey: .usage)
        timings = try container.decodeIfPresent(JSONValue.self, forKey: .timings)
    }

    /// Absent values are written as `null`, so that the keys can be relied on.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(object, forKey: .object)
        try container.encode(sessionID, forKey: .sessionID)
        try container.encode(parentID, forKey: .parentID)
        try container.encode(role, forKey: .role)
        try container.encode(content, forKey: .content)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(updatedAt, forKey: .updatedAt)
        try container.encode(state, forKey: .state)
        try container.encode(finishReason, forKey: .finishReason)
        try container.encode(model, forKey: .model)
        try container.encode(usage, forKey: .usage)
        try container.encode(timings, forKey: .timings)
    }
}

extension KeyedDecodingContainer {
    /// A word of a closed set; the error lists the set.
    func decodeChoice<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type, forKey key: Key) throws -> Choice {
        guard let choice = Choice(rawValue: try decode(String.self, forKey: key)) else {
            let reason = "it must be one of " + Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: reason)
        }
        return choice
    }

    func decodeChoiceIfPresent<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type, forKey key: Key) throws -> Choice? {
        try contains(key) && !decodeNil(forKey: key) ? decodeChoice(type, forKey: key) : nil
    }
}
