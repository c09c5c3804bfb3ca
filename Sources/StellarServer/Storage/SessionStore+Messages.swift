import GRDB
package import StellarProtocol

extension SessionStore {
    /// Adds a message and makes it the session's current one.
    package func addMessage(_ message: NewSessionMessage, to session: String, owner: String) async throws -> SessionMessage {
        let id = try Self.checked(message.id, "id") ?? Self.makeID("msg")
        let time = now()
        return try await database.write { database in
            let row = try Self.requiredRow(of: session, owner, in: database)
            guard try Self.messageRow(id, row, in: database) == nil else { throw APIError.idTaken("id") }
            let parent = try Self.parent(message.parentID, row, in: database)
            var new = SessionMessage(
                id: id,
                sessionID: session,
                role: message.role,
                content: message.content,
                createdAt: time,
                updatedAt: time,
                // Nothing generates it here: what is said to be under way would stay so for ever.
                state: message.state == .streaming ? .interrupted : message.state ?? .complete
            )
            new.finishReason = message.finishReason
            new.model = message.model
            new.usage = message.usage
            new.timings = message.timings
            let inserted = try Self.insert(new, row, parent: parent, in: database)
            try Self.setCurrent(inserted, of: row, in: database)
            try Self.touch(row, time, in: database)
            return try Self.message(inserted, in: database)
        }
    }

    /// All messages in the order in which they were made.
    ///
    /// - Parameter after: the last message of the page before.
    package func messages(of session: String, owner: String, limit: Int, after: String?) async throws -> ListPage<SessionMessage> {
        try await database.read { database in
            let row = try Self.requiredRow(of: session, owner, in: database)
            let start = try after.map { try Self.requiredMessage($0, row, in: database, param: "after") } ?? 0
            let sql =
                "SELECT \(Self.messageColumns) FROM message m \(Self.messageJoins) WHERE m.session = ? AND m.row > ? ORDER BY m.row LIMIT ?"
            let found = try Row.fetchAll(database, sql: sql, arguments: [row, start, limit + 1]).map(SessionMessage.init)
            return ListPage(data: Array(found.prefix(limit)), hasMore: found.count > limit)
        }
    }

    /// The branch from its root to the current message.
    package func history(of session: String, owner: String) async throws -> [SessionMessage] {
        try await database.read { database in
            let row = try Self.requiredRow(of: session, owner, in: database)
            return try Self.path(to: try Self.current(row, in: database), in: database)
        }
    }

    package func changeMessage(_ id: String, of session: String, content: String, owner: String) async throws -> SessionMessage {
        let time = now()
        return try await database.write { database in
            let row = try Self.requiredRow(of: session, owner, in: database)
            let message = try Self.requiredMessage(id, row, in: database, param: nil)
            guard try Self.message(message, in: database).state != .streaming else {
                throw APIError(status: 409, message: "The message is still being generated.", code: "message_streaming")
            }
            try database.execute(
                sql: "UPDATE message SET content = ?, updated_at = max(updated_at, ?) WHERE row = ?",
                arguments: [Self.stored(content), time, message]
            )
            try Self.touch(row, time, in: database)
            return try Self.message(message, in: database)
        }
    }

    /// Deletes a message and everything that follows it. If the current message goes, its parent's place is the current one.
    package func deleteMessage(_ id: String, of session: String, owner: String) async throws {
        let time = now()
        try await database.write { database in
            let row = try Self.requiredRow(of: session, owner, in: database)
            let message = try Self.requiredMessage(id, row, in: database, param: nil)
            let parent = try Int64.fetchOne(database, sql: "SELECT parent FROM message WHERE row = ?", arguments: [message])
            try database.execute(
                sql: """
                    WITH RECURSIVE branch (row) AS (
                        SELECT ? UNION ALL SELECT m.row FROM message m JOIN branch b ON m.parent = b.row
                    )
                    DELETE FROM message WHERE row IN (SELECT row FROM branch)
                    """,
                arguments: [message]
            )
            try database.execute(
                sql: """
                    UPDATE session SET current_message = ?
                    WHERE row = ? AND NOT EXISTS (SELECT 1 FROM message m WHERE m.row = session.current_message)
                    """,
                arguments: [parent, row]
            )
            try Self.touch(row, time, in: database)
        }
    }
}

// MARK: - Inside a transaction

extension SessionStore {
    static let messageColumns = """
        m.row, m.id, s.id AS session_id, p.id AS parent_id, m.role, m.content, m.state, m.finish_reason, m.model, m.usage, m.timings,
        m.created_at, m.updated_at
        """
    static let messageJoins = "JOIN session s ON s.row = m.session LEFT JOIN message p ON p.row = m.parent"

    static func messageRow(_ id: String, _ session: Int64, in database: Database) throws -> Int64? {
        try Int64.fetchOne(database, sql: "SELECT row FROM message WHERE session = ? AND id = ?", arguments: [session, id])
    }

    static func requiredMessage(_ id: String, _ session: Int64, in database: Database, param: String?) throws -> Int64 {
        guard let row = try messageRow(id, session, in: database) else { throw APIError.messageNotFound(param) }
        return row
    }

    static func message(_ row: Int64, in database: Database) throws -> SessionMessage {
        let sql = "SELECT \(messageColumns) FROM message m \(messageJoins) WHERE m.row = ?"
        guard let found = try Row.fetchOne(database, sql: sql, arguments: [row]) else {
            throw APIError.messageNotFound(nil)
        }
        return SessionMessage(found)
    }

    static func current(_ session: Int64, in database: Database) throws -> Int64? {
        try Int64.fetchOne(database, sql: "SELECT current_message FROM session WHERE row = ?", arguments: [session])
    }

    static func setCurrent(_ message: Int64?, of session: Int64, in database: Database) throws {
        try database.execute(sql: "UPDATE session SET current_message = ? WHERE row = ?", arguments: [message, session])
    }

    /// The row of a parent: the one that is named, none where `null` is, the session's current message where nothing is said.
    static func parent(_ id: FieldChange<String>, _ session: Int64, in database: Database) throws -> Int64? {
        switch id {
        case .unchanged: try current(session, in: database)
        case .set(nil): nil
        case .set(let id?): try requiredMessage(id, session, in: database, param: "parent_id")
        }
    }

    /// The messages from the root to `message`.
    static func path(to message: Int64?, in database: Database) throws -> [SessionMessage] {
        guard let message else { return [] }
        // A parent is always older than its child, except in imported sessions: the depth tells the order.
        let sql = """
            WITH RECURSIVE branch (row, depth) AS (
                SELECT ?, 0 UNION ALL SELECT m.parent, b.depth + 1 FROM message m JOIN branch b ON m.row = b.row WHERE m.parent IS NOT NULL
            )
            SELECT \(messageColumns) FROM branch b CROSS JOIN message m ON m.row = b.row \(messageJoins) ORDER BY b.depth DESC
            """
        return try Row.fetchAll(database, sql: sql, arguments: [message]).map(SessionMessage.init)
    }

    static func insert(_ message: SessionMessage, _ session: Int64, parent: Int64?, in database: Database) throws -> Int64 {
        try database.execute(
            sql: """
                INSERT INTO message
                    (session, id, parent, role, content, state, finish_reason, model, usage, timings, created_at, updated_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                session, message.id, parent, message.role.rawValue, stored(message.content), message.state.rawValue,
                message.finishReason.map(stored), message.model.map(stored), try message.usage.map(json), try message.timings.map(json),
                message.createdAt, message.updatedAt,
            ]
        )
        return database.lastInsertedRowID
    }
}

extension SessionMessage {
    /// - Parameter row: of ``SessionStore/messageColumns``.
    init(_ row: Row) {
        self.init(
            id: row["id"],
            sessionID: row["session_id"],
            parentID: row["parent_id"],
            role: Role(rawValue: row["role"]) ?? .user,
            content: row["content"],
            createdAt: row["created_at"],
            updatedAt: row["updated_at"],
            state: State(rawValue: row["state"]) ?? .complete,
            finishReason: row["finish_reason"],
            model: row["model"],
            usage: JSONValue(stored: row["usage"]),
            timings: JSONValue(stored: row["timings"])
        )
    }
}
