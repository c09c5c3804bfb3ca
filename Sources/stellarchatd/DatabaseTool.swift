import Foundation
import Logging
import StellarProtocol
import StellarServer

/// Performs a ``DaemonCommand``.
struct DatabaseTool {
    private let database: StorageDatabase
    private let sessions: SessionStore
    private let keys: KeyStore

    /// Runs a command; what is wrong goes to the standard error.
    ///
    /// - Returns: The process's exit code.
    static func run(_ command: DaemonCommand, _ settings: ServerSettings) async -> Int32 {
        do {
            let quiet = Logger(label: "stellarchatd") { _ in SwiftLogNoOpLogHandler() }
            let database = try StorageDatabase(directory: settings.requiredDataDirectory, logger: quiet)
            defer { database.close() }
            let tool = DatabaseTool(database: database, sessions: SessionStore(database), keys: KeyStore(database))
            try await tool.perform(command)
            return 0
        } catch {
            let message = (error as? APIError)?.message ?? (error as? CocoaError)?.localizedDescription ?? "\(error)"
            try? FileHandle.standardError.write(contentsOf: Data("\(message)\n".utf8))
            return 1
        }
    }

    private func perform(_ command: DaemonCommand) async throws {
        switch command {
        case .backup(let file): try database.backup(to: file)
        case .exportSessions(let file, let owner): try await export(to: file, owner)
        case .importSessions(let file, let owner): try await importSessions(from: file, owner)
        case .createKey(let name, let isAdmin):
            let key = try await keys.create(NewAPIKey(name: name, admin: isAdmin))
            print("id   \(key.id)\nkey  \(key.key ?? "")\nThe key is shown once. Keep it now.")
        case .listKeys: try await list()
        case .activateKey(let id): print(Self.line(try await keys.setActive(id, true)))
        case .deactivateKey(let id): print(Self.line(try await keys.setActive(id, false)))
        case .deleteKey(let id): try await keys.delete(id)
        }
    }

    private func list() async throws {
        for key in try await keys.list() { print(Self.line(key)) }
    }

    private static func line(_ key: APIKeyObject) -> String {
        let time = Date(timeIntervalSince1970: Double(key.createdAt) / 1000).formatted(.iso8601)
        return [key.id, key.active ? "active" : "inactive", key.admin ? "admin" : "user", time, key.name].joined(separator: "  ")
    }

    private func export(to file: String, _ owner: String) async throws {
        let output: FileHandle
        if file == "-" {
            output = .standardOutput
        } else {
            let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission, userInfo: [NSFilePathErrorKey: file]) }
            output = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        }
        try await sessions.writeExport(of: try await sessions.ids(owner: owner), owner: owner) { bytes in
            try output.write(contentsOf: Data(bytes))
        }
    }

    private func importSessions(from file: String, _ owner: String) async throws {
        let data = try file == "-" ? FileHandle.standardInput.readToEnd() ?? Data() : Data(contentsOf: URL(fileURLWithPath: file))
        let imported = try await sessions.import(try JSONCoding.decode(SessionExport.self, from: data), owner: owner)
        print("\(imported.count) sessions imported")
    }
}
