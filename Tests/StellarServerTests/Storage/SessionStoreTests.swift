import Foundation
import GRDB
import Logging
import StellarProtocol
import StellarServer
import Testing

@Suite("Session store", .timeLimit(.minutes(20)))
struct SessionStoreTests {
    private let storage: TestStorage
    private var store: SessionStore { storage.sessions }

    init() throws {
        storage = try TestStorage()
    }

    private func session(_ id: String, owner: String = "") async throws {
        var change = SessionChange()
        change.id = id
        _ = try await store.create(change, owner: owner)
    }

    @Test("Commits are durable, files are their user's alone, and foreign keys hold")
    func durability() async throws {
        // synchronous: 2 is FULL. GRDB's own default for a pool is 1, which may lose commits when the power fails.
        #expect(try await storage.database.pragma("synchronous") == 2)
        #expect(try await storage.database.pragma("foreign_keys") == 1)
        let attributes = try FileManager.default.attributesOfItem(atPath: storage.database.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let directory = try FileManager.default.attributesOfItem(atPath: storage.directory)
        #expect(directory[.posixPermissions] as? Int == 0o700)
    }

    @Test("A new database can be opened by many at once")
    func openedAtOnce() async throws {
        let directory = storage.directory + "/at-once"
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        Thread.detachNewThread {
                            continuation.resume(with: Result { try StorageDatabase(directory: directory, logger: logger) })
                        }
                    }
                }
            }
            for try await database in group { database.close() }
        }
    }

    @Test("A database of a newer version is refused by name")
    func newerVersion() throws {
        let directory = storage.directory + "/newer"
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let database = try StorageDatabase(directory: directory, logger: logger)
        database.close()
        let queue = try DatabaseQueue(path: directory + "/" + StorageDatabase.fileName)
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 of the future')") }
        try queue.close()
        let error = try #require(throws: StorageError.self) { try StorageDatabase(directory: directory, logger: logger) }
        #expect(error.description.contains("newer version"))
    }

    @Test("What is no database is refused and left as it is")
    func noDatabase() throws {
        let directory = storage.directory + "/damaged"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let path = directory + "/" + StorageDatabase.fileName
        let bytes = Data(repeating: 7, count: 8192)
        try bytes.write(to: URL(fileURLWithPath: path))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let error = try #require(throws: StorageError.self) { try StorageDatabase(directory: directory, logger: logger) }
        #expect(error.description.contains(path))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }

    @Test("An owner sees its own sessions alone")
    func owners() async throws {
        try await session("a", owner: "one")
        try await session("a", owner: "two")
        _ = try await store.addMessage(NewSessionMessage(role: .user, content: "secret words"), to: "a", owner: "one")
        #expect(try await store.history(of: "a", owner: "two").isEmpty)
        #expect(try await store.sessions(owner: "two", limit: 10, after: nil, search: "secret").data.isEmpty)
        #expect(try await store.sessions(owner: "one", limit: 10, after: nil, search: "secret").data.map(\.id) == ["a"])
        await #expect(throws: APIError.self) { try await store.session("a", owner: "") }
    }

    @Test("Times never run backwards and the order of messages does not depend on them", arguments: [-3_600_000, 86_400_000])
    func clockJump(jump: Int) async throws {
        try await session("a")
        for index in 0..<4 {
            if index == 2 { storage.clock.jump(by: jump) }
            _ = try await store.addMessage(NewSessionMessage(role: .user, content: "\(index)"), to: "a", owner: "")
        }
        #expect(try await store.history(of: "a", owner: "").map(\.content) == ["0", "1", "2", "3"])
        let session = try await store.session("a", owner: "")
        #expect(session.updatedAt >= session.createdAt)
        #expect(session.updatedAt == max(1_000_000, 1_000_000 + jump))
        let message = try #require(try await store.history(of: "a", owner: "").first)
        storage.clock.jump(by: -10 * abs(jump))
        let changed = try await store.changeMessage(message.id, of: "a", content: "x", owner: "")
        #expect(changed.updatedAt >= changed.createdAt)
    }

    @Test("A new title or pin does not make a session newer, a new prompt does")
    func age() async throws {
        try await session("a")
        storage.clock.jump(by: 1000)
        var change = SessionChange()
        change.title = .set("t")
        change.pinned = .set(true)
        #expect(try await store.update("a", change, owner: "").updatedAt == 1_000_000)
        change.systemPrompt = .set("Be brief.")
        #expect(try await store.update("a", change, owner: "").updatedAt == 1_001_000)
    }

    @Test("Text with NUL is stored to its end")
    func nul() async throws {
        try await session("a")
        let message = try await store.addMessage(NewSessionMessage(role: .user, content: "a\0b"), to: "a", owner: "")
        #expect(message.content == "a\u{FFFD}b")
    }

    @Test("Writing at once from many tasks loses nothing")
    func concurrency() async throws {
        try await session("a")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<100 {
                group.addTask {
                    _ = try await store.addMessage(NewSessionMessage(id: "m\(index)", role: .user, content: "x"), to: "a", owner: "")
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.history(of: "a", owner: "").count == 100)
    }

    @Test("A copy of a used database is whole")
    func backup() async throws {
        try await session("a")
        let file = storage.directory + "/copy.sqlite"
        try storage.database.backup(to: file)
        let copy = try DatabaseQueue(path: file)
        let found = try await copy.read { database in
            (try String.fetchOne(database, sql: "PRAGMA integrity_check"), try Int.fetchOne(database, sql: "SELECT count(*) FROM session"))
        }
        #expect(found.0 == "ok" && found.1 == 1)
        #expect(throws: StorageError.self) { try storage.database.backup(to: file) }
    }

    @Test("A database that can't be written is an error with a reason, and works again afterwards")
    func readOnly() async throws {
        try await session("a")
        try await storage.database.forbidWriting(true)
        let error = await #expect(throws: APIError.self) { try await session("b") }
        #expect(error?.status == 503 && error?.code == "storage_unavailable")
        #expect(storage.sessions.problem != nil)
        #expect(try await store.session("a", owner: "").id == "a", "reading goes on")
        try await storage.database.forbidWriting(false)
        try await session("b")
        #expect(storage.sessions.problem == nil)
    }

    @Test("A disk that is full is 507")
    func full() async throws {
        try await session("a")
        try await storage.database.limitSize(pages: 1)
        let text = String(repeating: "long text ", count: 100_000)
        let error = await #expect(throws: APIError.self) {
            try await store.addMessage(NewSessionMessage(role: .user, content: text), to: "a", owner: "")
        }
        #expect(error?.status == 507 && error?.code == "storage_full")
        #expect(try await store.history(of: "a", owner: "").isEmpty)
    }
}
