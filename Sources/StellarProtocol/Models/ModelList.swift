/// The answer of `GET /v1/models`.
public struct ModelList: Codable, Sendable, Equatable {
    public var object: String
    public var data: [ModelObject]

    public init(data: [ModelObject]) {
        self.object = "list"
        self.data = data
    }
}

/// One model that the server can run.
public struct ModelObject: Codable, Sendable, Equatable {
    public var id: String
    public var object: String
    /// Seconds since 1970; the same each time.
    public var created: Int
    public var ownedBy: String
    /// Extension: longest sequence in tokens.
    public var contextLength: Int?

    public init(id: String, created: Int, ownedBy: String = "stellarchat", contextLength: Int? = nil) {
        self.id = id
        self.object = "model"
        self.created = created
        self.ownedBy = ownedBy
        self.contextLength = contextLength
    }

    enum CodingKeys: String, CodingKey {
        case id, object, created
        case ownedBy = "owned_by"
        case contextLength = "context_length"
    }
}
