/// A stored conversation, as the sessions API shows it. Times are Unix milliseconds.
public struct SessionObject: Codable, Sendable, Equatable {
    public var id: String
    public var object = "session"
    public var title: String
    public var createdAt: Int
    /// When its messages, its model, its system prompt or its settings last changed.
    public var updatedAt: Int
    public var model: String?
    public var systemPrompt: String?
    public var pinned: Bool
    /// An object that clients keep what they like in.
    public var settings: JSONValue
    /// The end of the branch that is shown.
    public var currentMessageID: String?
    public var messageCount: Int
    /// In results of a search only: the text around what was found.
    public var snippet: String?

    public init(
        id: String,
        title: String = "",
        createdAt: Int,
        updatedAt: Int,
        model: String? = nil,
        systemPrompt: String? = nil,
        pinned: Bool = false,
        settings: JSONValue = .object([]),
        currentMessageID: String? = nil,
        messageCount: Int = 0
    ) {
        self.id = id
        self.title = title
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.model = model
        self.systemPrompt = systemPrompt
        self.pinned = pinned
        self.settings = settings
        self.currentMessageID = currentMessageID
        self.messageCount = messageCount
    }

    enum CodingKeys: String, CodingKey {
        case id, object, title, model, pinned, settings, snippet
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case systemPrompt = "system_prompt"
        case currentMessageID = "current_message_id"
        case messageCount = "message_count"
    }

    /// Of an imported document only `id` has to be there.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        title = try container.decodeIfPresent(String.self, forKey: .title) ?? ""
        createdAt = try container.decodeIfPresent(Int.self, forKey: .createdAt) ?? 0
        updatedAt = try container.decodeIfPresent(Int.self, forKey: .updatedAt) ?? 0
        model = try container.decodeIfPresent(String.self, forKey: .model)
        systemPrompt = try container.decodeIfPresent(String.self, forKey: .systemPrompt)
        pinned = try container.decodeIfPresent(Bool.self, forKey: .pinned) ?? false
        settings = try container.decodeIfPresent(JSONValue.self, forKey: .settings) ?? .object([])
        currentMessageID = try container.decodeIfPresent(String.self, forKey: .currentMessageID)
        messageCount = try container.decodeIfPresent(Int.self, forKey: .messageCount) ?? 0
        snippet = try container.decodeIfPresent(String.self, forKey: .snippet)
    }

    /// Absent values are written as `null`, so that the keys can be relied on; `snippet` alone is left out.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(object, forKey: .object)
        try container.encode(title, forKey: .title)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(updatedAt, forKey: .updatedAt)
        try container.encode(model, forKey: .model)
        try container.encode(systemPrompt, forKey: .systemPrompt)
        try container.encode(pinned, forKey: .pinned)
        try container.encode(settings, forKey: .settings)
        try container.encode(currentMessageID, forKey: .currentMessageID)
        try container.encode(messageCount, forKey: .messageCount)
        try container.encodeIfPresent(snippet, forKey: .snippet)
    }
}
