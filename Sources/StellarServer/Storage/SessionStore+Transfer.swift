import GRDB
public import StellarProtocol

extension SessionStore {
    /// Most messages of one imported session.
    static let maxImportedMessages = 100_000

    public func transcript(of id: String, owner: String) async throws -> SessionTranscript {
        try await database.read { database in
            let row = try Self.requiredRow(of: id, owner, in: database)
            let sql = "SELECT \(Self.messageColumns) FROM message m \(Self.messageJoins) WHERE m.session = ? ORDER BY m.row"
            return SessionTranscript(
                session: try Self.session(row, in: database),
                messages: try Row.fetchAll(database, sql: sql, arguments: [row]).map(SessionMessage.init)
            )
        }
    }

    /// The ids of all sessions, those that were changed last first.
    public func ids(owner: String) async throws -> [String] {
        try await database.read { database in
            let sql = "SELECT id FROM session WHERE owner = ? ORDER BY updated_at DESC, row DESC"
            return try String.fetchAll(database, sql: sql, arguments: [owner])
        }
    }

    /// Stores sessions that were exported: all of them or, on an error, none. A session whose id is taken gets a new one.
    ///
    /// - Throws: 400 for an id that is none, ids that are not unique, parents that are missing or go round in circles.
    public func `import`(_ document: SessionExport, owner: String) async throws -> [SessionObject] {
        for (index, transcript) in document.transcripts.enumerated() {
            try Self.check(transcript, at: document.transcripts.count == 1 ? "" : "sessions[\(index)].")
        }
        return try await database.write { database in
            try document.transcripts.map { try Self.insert($0, owner, in: database) }
        }
    }

    private static func insert(_ transcript: SessionTranscript, _ owner: String, in database: Database) throws -> SessionObject {
        let session = transcript.session
        let isFree = try rowID(of: session.id, owner, in: database) == nil
        let row = try insertSession(isFree ? session.id : makeID("sess"), owner, time(session.createdAt), in: database)
        var rows: [String: Int64] = [:]
        for var message in transcript.messages {
            message.createdAt = time(message.createdAt)
            message.updatedAt = time(message.updatedAt)
            if message.state == .streaming { message.state = .interrupted }
            rows[message.id] = try insert(message, row, parent: nil, in: database)
        }
        for message in transcript.messages {
            guard let parent = message.parentID.flatMap({ rows[$0] }), let child = rows[message.id] else { continue }
            try database.execute(sql: "UPDATE message SET parent = ? WHERE row = ?", arguments: [parent, child])
        }
        var change = SessionChange()
        change.title = .set(String(session.title.unicodeScalars.prefix(maxTitleLength)))
        change.model = .set(session.model)
        change.systemPrompt = .set(session.systemPrompt)
        change.pinned = .set(session.pinned)
        change.settings = .set(session.settings.isObject ? session.settings : .object([]))
        change.currentMessageID = .set(session.currentMessageID)
        try apply(change, to: row, in: database)
        try touch(row, time(session.updatedAt), in: database)
        return try self.session(row, in: database)
    }

    /// Milliseconds that JavaScript can hold.
    private static func time(_ value: Int) -> Int {
        min(max(value, 0), 1 << 53)
    }

    private static func check(_ transcript: SessionTranscript, at path: String) throws(APIError) {
        func refuse(_ message: String, _ param: String) -> APIError {
            .invalidRequest("\(message) ('\(path)\(param)').", param: path + param, code: "invalid_document")
        }
        guard isValidID(transcript.session.id) else { throw refuse("The id of the session is not valid", "session.id") }
        guard transcript.messages.count <= maxImportedMessages else {
            throw refuse("A session may have at most \(maxImportedMessages) messages", "messages")
        }
        var parents: [String: String?] = [:]
        for (index, message) in transcript.messages.enumerated() {
            guard isValidID(message.id) else { throw refuse("The id of the message is not valid", "messages[\(index)].id") }
            guard parents.updateValue(message.parentID, forKey: message.id) == nil else {
                throw refuse("Two messages have the same id", "messages[\(index)].id")
            }
        }
        if let current = transcript.session.currentMessageID, parents[current] == nil {
            throw refuse("There is no such message", "session.current_message_id")
        }
        guard isForest(parents) else { throw refuse("The parents of the messages are missing or go round in circles", "messages") }
    }

    /// Whether every way upwards ends at a message without a parent.
    private static func isForest(_ parents: [String: String?]) -> Bool {
        var grounded: Set<String> = []
        for start in parents.keys {
            var way: Set<String> = []
            var next: String? = start
            while let id = next, !grounded.contains(id) {
                guard let parent = parents[id], way.insert(id).inserted else { return false }
                next = parent
            }
            grounded.formUnion(way)
        }
        return true
    }
}
