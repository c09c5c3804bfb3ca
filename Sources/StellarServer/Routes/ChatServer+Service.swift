import Foundation
import Hummingbird
import NIOCore
public import ServiceLifecycle

/// A ``ChatServer`` as a service: on graceful shutdown it takes no new connections and replies, and ends when those that run are done.
public struct ChatServerService: Service {
    private let server: ChatServer
    private let onRunning: @Sendable (Int) async -> Void

    /// - Parameter onRunning: Called with the port once connections are accepted.
    public init(_ server: ChatServer, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }) {
        self.server = server
        self.onRunning = onRunning
    }

    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await server.application(onRunning: onRunning).run()
        } onGracefulShutdown: {
            server.holder.stop()
        }
    }
}

/// Why the server can't listen, and what to do.
public struct ListenError: Error, CustomStringConvertible {
    public let description: String

    /// `nil` for errors that have nothing to do with listening.
    public init?(_ error: any Error, host: String, port: Int) {
        switch error {
        case let error as IOError:
            description = Self.explain(errno: error.errnoCode, host: host, port: port)
        case is SocketAddressError, is SocketAddressError.UnknownHost:
            description = "HOST \(host) is not an address of this machine. Use 0.0.0.0 for all addresses, 127.0.0.1 for this machine alone."
        default: return nil
        }
    }

    private static func explain(errno code: CInt, host: String, port: Int) -> String {
        switch code {
        case EADDRINUSE:
            "Port \(port) is in use by another program. Stop it (ss -ltnp shows it), or choose another port: PORT=\(port < 65535 ? port + 1 : 8080)."
        case EACCES:
            "This user may not open port \(port). Choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE."
        case EADDRNOTAVAIL:
            "HOST \(host) is not an address of this machine. Use 0.0.0.0 for all addresses, 127.0.0.1 for this machine alone."
        default:
            "Can't listen on \(host):\(port): \(String(cString: strerror(code)))."
        }
    }
}
