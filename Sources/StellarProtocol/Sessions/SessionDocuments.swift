/// A page of a list.
public struct ListPage<Element: Encodable & Sendable>: Encodable, Sendable {
    public var object = "list"
    public var data: [Element]
    /// Whether the list goes on after the last element of `data`.
    public var hasMore: Bool

    public init(data: [Element], hasMore: Bool = false) {
        self.data = data
        self.hasMore = hasMore
    }

    enum CodingKeys: String, CodingKey {
        case object, data
        case hasMore = "has_more"
    }
}

/// The answer to a `DELETE`.
public struct DeletedObject: Codable, Sendable, Equatable {
    public var id: String
    public var object: String
    public var deleted = true

    public init(id: String, object: String) {
        self.id = id
        self.object = object
    }
}

/// One session with all of its messages, in the order in which they were made.
public struct SessionTranscript: Codable, Sendable, Equatable {
    public var session: SessionObject
    public var messages: [SessionMessage]

    public init(session: SessionObject, messages: [SessionMessage]) {
        self.session = session
        self.messages = messages
    }
}

/// What an export of one session is, and an import of one or several reads.
public struct SessionExport: Codable, Sendable, Equatable {
    public static let single = "stellarchat.session"
    public static let several = "stellarchat.sessions"
    public static let currentVersion = 1

    public var transcripts: [SessionTranscript]

    public init(transcripts: [SessionTranscript]) {
        self.transcripts = transcripts
    }

    enum CodingKeys: String, CodingKey {
        case format, version, session, messages, sessions
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let format = try container.decode(String.self, forKey: .format)
        guard format == Self.single || format == Self.several else {
            let reason = "it must be \(Self.single) or \(Self.several)"
            throw DecodingError.dataCorruptedError(forKey: .format, in: container, debugDescription: reason)
        }
        guard try container.decode(Int.self, forKey: .version) == Self.currentVersion else {
            let reason = "this server reads version \(Self.currentVersion)"
            throw DecodingError.dataCorruptedError(forKey: .version, in: container, debugDescription: reason)
        }
        if format == Self.several {
            transcripts = try container.decode([SessionTranscript].self, forKey: .sessions)
        } else {
            transcripts = [try SessionTranscript(from: decoder)]
        }
    }

    /// One session is written as `stellarchat.session`, any other number as `stellarchat.sessions`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.currentVersion, forKey: .version)
        if transcripts.count == 1, let only = transcripts.first {
            try container.encode(Self.single, forKey: .format)
            try container.encode(only.session, forKey: .session)
            try container.encode(only.messages, forKey: .messages)
        } else {
            try container.encode(Self.several, forKey: .format)
            try container.encode(transcripts, forKey: .sessions)
        }
    }
}
