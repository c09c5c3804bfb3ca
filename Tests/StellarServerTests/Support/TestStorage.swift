import Foundation
import Logging
import StellarServer
import Synchronization

/// A clock that tests set, in Unix milliseconds.
final class TestClock: Sendable {
    private let time: Mutex<Int>

    init(_ time: Int = 1_000_000) { self.time = Mutex(time) }

    var now: Int { time.withLock { $0 } }

    func jump(by milliseconds: Int) { time.withLock { $0 += milliseconds } }
}

/// A database in a directory of its own, which goes with it.
final class TestStorage: Sendable {
    let directory: String
    let clock = TestClock()
    let database: StorageDatabase
    let sessions: SessionStore
    let keys: KeyStore

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("stellarchat-\(UUID().uuidString)").path
        database = try StorageDatabase(directory: directory, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        sessions = SessionStore(database) { [clock] in clock.now }
        keys = KeyStore(database)
    }

    deinit {
        database.close()
        try? FileManager.default.removeItem(atPath: directory)
    }
}
