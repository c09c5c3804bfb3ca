internal import Foundation
internal import GRDB
import StellarProtocol

/// The API keys in the database. Thread contract: any task.
public struct KeyStore: Sendable {
    private let database: StorageDatabase
    private let now: @Sendable () -> Int

    public init(_ database: StorageDatabase, now: @escaping @Sendable () -> Int = SessionStore.millisecondsSince1970) {
        self.database = database
        self.now = now
    }

    /// A key as the ring needs it.
    package struct Entry: Sendable, Equatable {
        package var id: String
        package var hashed: HashedKey
        package var isAdmin: Bool
        package var isActive: Bool
    }

    /// Makes a key; the answer is the only place where it can be read.
    ///
    /// - Throws: ``APIError``.
    public func create(_ new: NewAPIKey) async throws -> APIKeyObject {
        let name = new.name ?? ""
        guard name.unicodeScalars.count <= 100 else {
            throw APIError.invalidRequest("'name' may have at most 100 characters.", param: "name", code: "string_above_max_length")
        }
        let id = Self.random(12, of: "abcdefghijklmnopqrstuvwxyz0123456789")
        let secret = Self.random(40, of: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        let key = "sk-\(id)-\(secret)"
        let hashed = HashedKey(hashing: key)
        let time = now()
        try await database.write { database in
            try database.execute(
                sql: "INSERT INTO api_key (id, name, salt, hash, is_admin, is_active, created_at) VALUES (?, ?, ?, ?, ?, 1, ?)",
                arguments: [id, SessionStore.stored(name), Data(hashed.salt), Data(hashed.hash), new.admin ?? false, time]
            )
        }
        return APIKeyObject(id: id, name: name, admin: new.admin ?? false, active: true, createdAt: time, key: key)
    }

    public func list() async throws -> [APIKeyObject] {
        try await database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM api_key ORDER BY row").map(Self.object)
        }
    }

    /// - Throws: 404 if there is no such key.
    public func setActive(_ id: String, _ isActive: Bool) async throws -> APIKeyObject {
        try await database.write { database in
            try database.execute(sql: "UPDATE api_key SET is_active = ? WHERE id = ?", arguments: [isActive, id])
            guard let row = try Row.fetchOne(database, sql: "SELECT * FROM api_key WHERE id = ?", arguments: [id]) else {
                throw APIError.keyNotFound
            }
            return Self.object(row)
        }
    }

    /// The key's sessions stay in the database, where nobody sees them any more.
    public func delete(_ id: String) async throws {
        try await database.write { database in
            try database.execute(sql: "DELETE FROM api_key WHERE id = ?", arguments: [id])
            guard database.changesCount > 0 else { throw APIError.keyNotFound }
        }
    }

    package func entries() async throws -> [Entry] {
        try await database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM api_key").map { row in
                let salt: Data = row["salt"]
                let hash: Data = row["hash"]
                return Entry(
                    id: row["id"],
                    hashed: HashedKey(salt: Array(salt), hash: Array(hash)),
                    isAdmin: row["is_admin"],
                    isActive: row["is_active"]
                )
            }
        }
    }

    /// Random bytes of this database, with which keys of the settings are given ids that last.
    func secret() async throws -> [UInt8] {
        try await database.read { database in
            let value = try Data.fetchOne(database, sql: "SELECT value FROM secret WHERE name = 'configured_keys'")
            return Array(value ?? Data())
        }
    }

    private static func object(_ row: Row) -> APIKeyObject {
        APIKeyObject(id: row["id"], name: row["name"], admin: row["is_admin"], active: row["is_active"], createdAt: row["created_at"])
    }

    private static func random(_ count: Int, of alphabet: String) -> String {
        let characters = Array(alphabet)
        return String((0..<count).compactMap { _ in characters.randomElement() })
    }
}

extension APIError {
    static var keyNotFound: APIError {
        APIError(status: 404, message: "There is no such API key. GET /api/api-keys lists those that there are.", code: "key_not_found")
    }
}
