public import Foundation
import Synchronization

/// A file that log lines are appended to. When it has grown to a given size it is renamed to `.1`, older ones to `.2` and so on, and a new
/// one is begun.
///
/// Thread contract: any thread; lines are written whole and in order.
public final class LogFile: Sendable {
    /// Where lines go and when to begin a new file.
    public struct Configuration: Sendable, Equatable {
        public var path: String
        /// Bytes after which a new file is begun; 0: never.
        public var maxSize: Int
        /// Older files that are kept.
        public var keptFiles: Int

        public init(path: String, maxSize: Int = 64 << 20, keptFiles: Int = 5) {
            self.path = path
            self.maxSize = maxSize
            self.keptFiles = keptFiles
        }
    }

    private struct State {
        var handle: FileHandle
        var size: Int
    }

    private let configuration: Configuration
    private let state: Mutex<State>

    /// - Throws: Why the file can't be opened.
    public init(_ configuration: Configuration) throws {
        self.configuration = configuration
        state = Mutex(try Self.open(configuration.path))
    }

    /// Opens the file by its name again, after something else has renamed it. On failure the old one stays in use.
    public func reopen() throws {
        let fresh = try Self.open(configuration.path)
        state.withLock { $0 = fresh }
    }

    /// - Parameter line: With its line break. What can't be written is lost: a full disk must not stop the server.
    public func write(_ line: Data) {
        state.withLock { state in
            if configuration.maxSize > 0, state.size > 0, state.size + line.count > configuration.maxSize { rotate(&state) }
            guard (try? state.handle.write(contentsOf: line)) != nil else { return }
            state.size += line.count
        }
    }

    private func rotate(_ state: inout State) {
        let path = configuration.path
        let files = FileManager.default
        if configuration.keptFiles > 0 {
            try? files.removeItem(atPath: "\(path).\(configuration.keptFiles)")
            for number in (1..<configuration.keptFiles).reversed() {
                try? files.moveItem(atPath: "\(path).\(number)", toPath: "\(path).\(number + 1)")
            }
            try? files.moveItem(atPath: path, toPath: path + ".1")
        } else {
            try? files.removeItem(atPath: path)
        }
        if let fresh = try? Self.open(path) { state = fresh }
    }

    /// Readable by the owner and the group alone.
    private static func open(_ path: String) throws -> State {
        if !FileManager.default.fileExists(atPath: path) {
            guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o640]) else {
                throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
            }
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        return State(handle: handle, size: Int(try handle.seekToEnd()))
    }
}
