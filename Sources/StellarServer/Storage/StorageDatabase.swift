import Foundation
import GRDB
public import Logging
import StellarProtocol
import Synchronization

/// The database can't be used: why, and what to do.
public struct StorageError: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// The daemon's SQLite database: sessions, messages and API keys.
///
/// Commits are durable (`synchronous=FULL`): what is committed survives `kill -9` and a loss of power. Several processes may use one
/// database at a time. Work runs on GRDB's queues, never on the cooperative pool. Thread contract: any thread.
public final class StorageDatabase: Sendable {
    public static let fileName = "stellarchat.sqlite"

    public let path: String
    let pool: DatabasePool
    let logger: Logger
    private let lock: DirectoryLock
    private let failure = Mutex<String?>(nil)

    /// Opens the database of a directory; makes both where they are not there, for their user alone.
    ///
    /// - Throws: ``StorageError``.
    public init(directory: String, logger: Logger) throws(StorageError) {
        let path = directory + "/" + Self.fileName
        self.path = path
        self.logger = logger
        try Self.makeDirectory(directory)
        lock = try DirectoryLock(directory)
        do {
            // One after another: what is missing in a database is looked up first and made then.
            pool = try inTurn(directory) { try Self.openPool(path) }
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError("The database \(path) can't be opened: \(Self.explain(error))")
        }
    }

    /// - Throws: ``StorageError``, `DatabaseError`.
    private static func openPool(_ path: String) throws -> DatabasePool {
        try makeFile(path)
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.label = "stellarchat"
        let pool = try DatabasePool(path: path, configuration: configuration)
        try prepare(pool)
        return pool
    }

    /// - Throws: ``StorageError`` if a newer version has written it, `DatabaseError` if it can't be brought up to date.
    private static func prepare(_ pool: DatabasePool) throws {
        // GRDB sets NORMAL when it opens a pool, which may lose the last commits when the power fails.
        try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216")
        }
        let migrator = StorageSchema.migrator
        guard try !pool.read(migrator.hasBeenSuperseded) else {
            throw StorageError(
                "The database \(pool.path) was written by a newer version of stellarchatd. Use that version, or another DATA_DIR."
            )
        }
        try migrator.migrate(pool)
    }

    private static func makeDirectory(_ directory: String) throws(StorageError) {
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw StorageError("DATA_DIR \(directory) can't be made: \(error.localizedDescription)")
        }
    }

    /// SQLite gives its other files the permissions of the database.
    private static func makeFile(_ path: String) throws(StorageError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StorageError("The database \(path) can't be opened for writing: \(String(cString: strerror(errno))).")
        }
        closeDescriptor(descriptor)
    }

    /// What is wrong, without SQL and without values.
    static func explain(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "\(error)" }
        return "\(error.message ?? "unknown error") (SQLite error \(error.extendedResultCode.rawValue))"
    }

    /// Whether no other process had the database open when it was opened here: only then is what looks unfinished really left over.
    var isFirstUser: Bool { lock.wasExclusive }

    /// What is wrong with the database now; `nil`: nothing that is known.
    public var problem: String? {
        failure.withLock { $0 }
    }

    // MARK: Access

    /// - Throws: ``APIError``, or `CancellationError`.
    func read<Value: Sendable>(_ action: @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await pool.read(action)
        } catch {
            throw note(error)
        }
    }

    /// Runs `action` in a transaction that is on disk when this returns.
    ///
    /// - Throws: ``APIError``, or `CancellationError`.
    func write<Value: Sendable>(_ action: @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            let value = try await pool.write(action)
            let recovered = failure.withLock { failure in
                defer { failure = nil }
                return failure != nil
            }
            if recovered { logger.notice("The database can be written again") }
            return value
        } catch {
            throw note(error)
        }
    }

    /// Logs an error of the database, once until something is written again, and turns it into one for clients.
    private func note(_ error: any Error) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let text = Self.explain(error)
        let isNew = failure.withLock { failure in
            defer { failure = text }
            return failure != text
        }
        if isNew {
            logger.error("The database fails; chat goes on, but is not stored", metadata: ["path": "\(path)", "error": "\(text)"])
        }
        return APIError(storage: error)
    }

    /// Copies the whole database, also while it is used, into a file that must not exist.
    ///
    /// - Throws: ``StorageError``.
    public func backup(to file: String) throws(StorageError) {
        let descriptor = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StorageError("The backup \(file) can't be made: \(String(cString: strerror(errno))).")
        }
        closeDescriptor(descriptor)
        do {
            let copy = try DatabaseQueue(path: file)
            try pool.backup(to: copy)
            try copy.close()
        } catch {
            unlink(file)
            throw StorageError("The backup \(file) failed: \(Self.explain(error))")
        }
    }

    // MARK: For tests

    /// The value of a pragma that is a number, on the connection that writes.
    package func pragma(_ name: String) async throws -> Int? {
        try await pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA \(name)") }
    }

    /// Makes every write fail, as on a file system that is read-only.
    package func forbidWriting(_ isForbidden: Bool) async throws {
        try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = \(isForbidden)") }
    }

    /// Makes writing fail beyond a size, as on a disk that is full.
    package func limitSize(pages: Int) async throws {
        _ = try await pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA max_page_count = \(pages)") }
    }

    /// Moves the log into the database file and closes it.
    public func close() {
        try? pool.close()
    }
}

/// `close(2)`, which methods of that name hide.
private func closeDescriptor(_ descriptor: CInt) {
    _ = close(descriptor)
}

/// Runs `action` while no other process, and nothing else in this one, runs one for the directory. After ten seconds, as after those of a
/// busy database, and where directories can't be locked, it runs all the same.
private func inTurn<Value>(_ directory: String, _ action: () throws -> Value) rethrows -> Value {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { closeDescriptor(descriptor) }
    for _ in 0..<1000 {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { break }
        usleep(10_000)
    }
    return try action()
}

/// A lock on a directory that is held while its database is open.
private final class DirectoryLock: Sendable {
    let wasExclusive: Bool
    private let descriptor: CInt

    init(_ directory: String) throws(StorageError) {
        let path = directory + "/stellarchat.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StorageError("DATA_DIR \(directory) can't be written to: \(String(cString: strerror(errno))).")
        }
        wasExclusive = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        // Others may come; they see that they are not alone.
        _ = flock(descriptor, LOCK_SH | LOCK_NB)
    }

    deinit { closeDescriptor(descriptor) }
}

extension APIError {
    /// What a client is told about an error of the database.
    init(storage error: DatabaseError) {
        switch error.resultCode {
        case .SQLITE_FULL:
            self.init(
                status: 507,
                message: "The disk that holds the sessions is full. Free some space.",
                type: "server_error",
                code: "storage_full"
            )
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self = .unavailable("The database is busy. Try again in a moment.", code: "storage_busy", retryAfter: 1)
        case .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_PERM:
            let reason = error.message ?? "unknown error"
            self = .unavailable("The database can't be used: \(reason).", code: "storage_unavailable", retryAfter: nil)
        default: self = .internalError("The database refused the operation.")
        }
    }
}
