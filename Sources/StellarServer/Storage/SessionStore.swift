import Foundation
import GRDB
import Logging
public import StellarProtocol

/// Sessions and their messages.
///
/// Every session belongs to an owner, and every operation is told for whom: nobody sees what is somebody else's. Thread contract: any task.
public struct SessionStore: Sendable {
    /// Most characters of a title.
    public static let maxTitleLength = 500

    let database: StorageDatabase
    let writer: ReplyWriter
    /// Unix milliseconds.
    let now: @Sendable () -> Int

    public init(_ database: StorageDatabase, now: @escaping @Sendable () -> Int = SessionStore.millisecondsSince1970) {
        self.database = database
        self.now = now
        writer = ReplyWriter(database: database, now: now)
    }

    public static let millisecondsSince1970: @Sendable () -> Int = { Int(Date().timeIntervalSince1970 * 1000) }

    /// What is wrong with the database now.
    public var problem: String? { database.problem }

    /// To be called once, before anything is stored: replies that a crash cut short are marked as such.
    ///
    /// - Returns: How many there were.
    @discardableResult
    public func recover() async throws -> Int {
        guard database.isFirstUser else { return 0 }
        return try await database.write { database in
            try database.execute(sql: "UPDATE message SET state = 'interrupted' WHERE state = 'streaming'")
            return database.changesCount
        }
    }

    /// Ends all replies that are still being stored as interrupted.
    public func finish() async {
        await writer.finish()
    }

    // MARK: Sessions

    /// - Throws: 409 if the id is taken.
    public func create(_ change: SessionChange, owner: String) async throws -> SessionObject {
        let id = try Self.checked(change.id, "id") ?? Self.makeID("sess")
        try Self.check(change)
        let time = now()
        return try await database.write { database in
            guard try Self.rowID(of: id, owner, in: database) == nil else { throw APIError.idTaken("id") }
            let row = try Self.insertSession(id, owner, time, in: database)
            try Self.apply(change, to: row, in: database)
            return try Self.session(row, in: database)
        }
    }

    public func session(_ id: String, owner: String) async throws -> SessionObject {
        try await database.read { database in
            try Self.session(try Self.requiredRow(of: id, owner, in: database), in: database)
        }
    }

    /// A new title, pin or current message does not make a session newer.
    public func update(_ id: String, _ change: SessionChange, owner: String) async throws -> SessionObject {
        try Self.check(change)
        let time = now()
        return try await database.write { database in
            let row = try Self.requiredRow(of: id, owner, in: database)
            try Self.apply(change, to: row, in: database)
            if change.changesConversation { try Self.touch(row, time, in: database) }
            return try Self.session(row, in: database)
        }
    }

    public func delete(_ id: String, owner: String) async throws {
        try await database.write { database in
            let row = try Self.requiredRow(of: id, owner, in: database)
            try database.execute(sql: "DELETE FROM session WHERE row = ?", arguments: [row])
        }
    }
}

extension SessionChange {
    fileprivate var changesConversation: Bool {
        model != .unchanged || systemPrompt != .unchanged || settings != .unchanged
    }
}

// MARK: - Inside a transaction

extension SessionStore {
    static let sessionColumns = """
        s.row, s.id, s.title, s.model, s.system_prompt, s.pinned, s.settings, s.created_at, s.updated_at,
        (SELECT id FROM message WHERE row = s.current_message) AS current_id,
        (SELECT count(*) FROM message WHERE session = s.row) AS message_count
        """

    static func rowID(of id: String, _ owner: String, in database: Database) throws -> Int64? {
        try Int64.fetchOne(database, sql: "SELECT row FROM session WHERE owner = ? AND id = ?", arguments: [owner, id])
    }

    static func requiredRow(of id: String, _ owner: String, in database: Database) throws -> Int64 {
        guard let row = try rowID(of: id, owner, in: database) else { throw APIError.sessionNotFound }
        return row
    }

    static func session(_ row: Int64, in database: Database) throws -> SessionObject {
        let sql = "SELECT \(sessionColumns) FROM session s WHERE s.row = ?"
        guard let found = try Row.fetchOne(database, sql: sql, arguments: [row]) else { throw APIError.sessionNotFound }
        return SessionObject(found)
    }

    static func insertSession(_ id: String, _ owner: String, _ time: Int, in database: Database) throws -> Int64 {
        try database.execute(
            sql: """
                INSERT INTO session (owner, id, title, pinned, settings, created_at, updated_at) VALUES (?, ?, '', 0, '{}', ?, ?)
                """,
            arguments: [owner, id, time, time]
        )
        return database.lastInsertedRowID
    }

    static func apply(_ change: SessionChange, to row: Int64, in database: Database) throws {
        let old = try session(row, in: database)
        var current = try Int64.fetchOne(database, sql: "SELECT current_message FROM session WHERE row = ?", arguments: [row])
        if case .set(let id) = change.currentMessageID {
            current = try id.map { try requiredMessage($0, row, in: database, param: "current_message_id") }
        }
        try database.execute(
            sql: """
                UPDATE session SET title = ?, model = ?, system_prompt = ?, pinned = ?, settings = ?, current_message = ? WHERE row = ?
                """,
            arguments: [
                stored(change.title.value(or: old.title)), change.model.applied(to: old.model).map(stored),
                change.systemPrompt.applied(to: old.systemPrompt).map(stored), change.pinned.value(or: old.pinned),
                try json(change.settings.value(or: old.settings)), current, row,
            ]
        )
    }

    /// The session's conversation has changed. Times never run backwards, whatever the clock does.
    static func touch(_ row: Int64, _ time: Int, in database: Database) throws {
        try database.execute(sql: "UPDATE session SET updated_at = max(updated_at, ?) WHERE row = ?", arguments: [time, row])
    }

    // MARK: Values

    /// SQLite's texts end at the first NUL.
    static func stored(_ text: String) -> String {
        text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }

    static func json(_ value: some Encodable) throws -> String {
        stored(String(decoding: try JSONCoding.encode(value), as: UTF8.self))
    }

    private static func check(_ change: SessionChange) throws(APIError) {
        guard case .set(let title?) = change.title, title.unicodeScalars.count > maxTitleLength else { return }
        throw .invalidRequest("'title' may have at most \(maxTitleLength) characters.", param: "title", code: "string_above_max_length")
    }

    /// An id that a client chose: 1 to 64 letters, digits, dashes and underscores.
    static func checked(_ id: String?, _ param: String) throws(APIError) -> String? {
        guard let id else { return nil }
        guard isValidID(id) else {
            throw .invalidRequest(
                "'\(param)' must be 1 to 64 letters (A-Z, a-z), digits, dashes or underscores.",
                param: param,
                code: "invalid_value"
            )
        }
        return id
    }

    static func isValidID(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    static func makeID(_ prefix: String) -> String {
        "\(prefix)-\(ChatService.randomID())"
    }
}

extension SessionObject {
    /// - Parameter row: of ``SessionStore/sessionColumns``.
    init(_ row: Row) {
        self.init(
            id: row["id"],
            title: row["title"],
            createdAt: row["created_at"],
            updatedAt: row["updated_at"],
            model: row["model"],
            systemPrompt: row["system_prompt"],
            pinned: row["pinned"],
            settings: JSONValue(stored: row["settings"]) ?? .object([]),
            currentMessageID: row["current_id"],
            messageCount: row["message_count"]
        )
    }
}

extension JSONValue {
    init?(stored text: String?) {
        guard let text, let value = try? JSONCoding.decode(JSONValue.self, from: text.utf8) else { return nil }
        self = value
    }
}

extension APIError {
    static var sessionNotFound: APIError {
        APIError(status: 404, message: "There is no such session. GET /api/sessions lists those that there are.", code: "session_not_found")
    }

    static func messageNotFound(_ param: String?) -> APIError {
        APIError(status: 404, message: "There is no such message in the session.", param: param, code: "message_not_found")
    }

    /// 409, for an id that a client chose.
    static func idTaken(_ param: String) -> APIError {
        APIError(status: 409, message: "'\(param)' is taken. Choose another, or leave it out.", param: param, code: "id_taken")
    }
}
