import Foundation
import Logging
import ServiceLifecycle
import StellarServer

/// Tells systemd how the daemon is, in the protocol of sd_notify(3): datagrams to the socket that `NOTIFY_SOCKET` names.
///
/// `READY=1` once requests can be taken, `STOPPING=1` when the daemon drains, and `WATCHDOG=1` twice in each `WATCHDOG_USEC`, as long as the
/// server still answers. Does nothing where the variables are not set.
struct SystemdNotifier: Service, CustomStringConvertible {
    private let socketPath: String?
    private let watchdogInterval: Duration?
    private let holder: BackendHolder
    private let logger: Logger

    var description: String { "systemd" }

    init(holder: BackendHolder, logger: Logger, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.holder = holder
        self.logger = logger
        socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let isOurs = environment["WATCHDOG_PID"].flatMap { Int32($0) }.map { $0 == getpid() } ?? true
        let microseconds = isOurs ? environment["WATCHDOG_USEC"].flatMap { Int64($0) } : nil
        watchdogInterval = microseconds.flatMap { $0 > 0 ? .microseconds($0 / 2) : nil }
    }

    func run() async throws {
        guard socketPath != nil else {
            try? await gracefulShutdown()
            return
        }
        try? await cancelWhenGracefulShutdown {
            try await announceReadiness()
            guard let watchdogInterval else { return try await Task.sleep(for: .seconds(1 << 30)) }
            while true {
                notify("WATCHDOG=1")
                try await Task.sleep(for: watchdogInterval)
            }
        }
        notify("STOPPING=1\nSTATUS=Finishing running replies")
    }

    private func announceReadiness() async throws {
        notify("STATUS=Loading the model")
        while holder.isLoading {
            if watchdogInterval != nil { notify("WATCHDOG=1") }
            try await Task.sleep(for: .milliseconds(50))
        }
        if holder.isReady { notify("READY=1\nSTATUS=Serving") }
    }

    private func notify(_ message: String) {
        guard let socketPath else { return }
        guard DatagramSocket.send(message, to: socketPath) else {
            logger.warning("systemd can't be told how the daemon is", metadata: ["socket": "\(socketPath)", "errno": "\(errno)"])
            return
        }
    }
}

/// A datagram to a Unix socket.
private enum DatagramSocket {
    /// - Parameter path: In the file system, or with `@` in front in the abstract namespace (unix(7)).
    /// - Returns: Whether it was sent; if not, `errno` says why.
    static func send(_ message: String, to path: String) -> Bool {
        let name = Array(path.utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            errno = ENAMETOOLONG
            return false
        }
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            target.copyBytes(from: name)
            if name.first == UInt8(ascii: "@") { target[0] = 0 }
        }
        #if os(Linux)
            let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        #else
            let kind = SOCK_DGRAM
        #endif
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // The length ends with the name: in the abstract namespace every byte counts.
        let length = socklen_t((MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2) + name.count)
        let bytes = Array(message.utf8)
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(descriptor, bytes, bytes.count, 0, $0, length) }
        }
        return sent == bytes.count
    }
}
