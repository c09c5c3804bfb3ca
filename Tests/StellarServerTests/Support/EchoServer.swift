import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket
import ServiceLifecycle
import StellarServer

/// A WebSocket server that sends back what it gets, made of the daemon's own parts. It exists in the tests alone: there conformance can be
/// looked at without a chat in between.
struct EchoServer: Sendable {
    static let path = "/echo"

    var limits: WebSocketLimits
    var writeTimeout = TimeAmount.hours(1)

    /// No pings of its own, which would come between what is sent back.
    init(limits: WebSocketLimits = WebSocketLimits()) {
        self.limits = limits
        self.limits.pingInterval = .seconds(3600)
    }

    private actor Echo: WebSocketSession {
        nonisolated let takesBinary = true
        private var connection: WebSocketConnection?

        func opened(_ connection: WebSocketConnection) async { self.connection = connection }
        func receive(text: String) async { await connection?.send(text: text.utf8) }
        func receive(binary: ByteBuffer) async { await connection?.send(binary: binary) }
        func shutDown() async { await connection?.close(.goingAway, reason: "") }
        func closed() async {}
    }

    /// Runs `test` while the server listens on a free port.
    func run(_ test: @escaping @Sendable (Int) async throws -> Void) async throws {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "echo")
        logger.logLevel = .critical
        let service = application(logger: logger) { continuation.yield($0) }
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [service], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            guard let port = await ports.first(where: { _ in true }) else { return }
            do {
                try await test(port)
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func application(logger: Logger, onRunning: @escaping @Sendable (Int) -> Void) -> some ApplicationProtocol {
        let router = Router()
        router.get("/echo") { [limits, logger] request, _ in
            try WebSocketRoute(origins: OriginPolicy(allowed: [])).upgrade(request) { body, writer in
                await WebSocketConnection(session: Echo(), limits: limits, logger: logger).run(body, &writer)
            }
        }
        let connection = ConnectionLimits(
            maxBodySize: 1 << 20,
            idleTimeout: nil,
            writeTimeout: writeTimeout,
            closeTimeout: .milliseconds(500)
        )
        return Application(
            responder: router.buildResponder(),
            server: HTTPServerBuilder {
                ServerChannel(responder: $0, limits: connection) { head in
                    head.uri == EchoServer.path && WebSocketHandshake.isValid(head)
                }
            },
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { onRunning($0.localAddress?.port ?? 0) },
            logger: logger
        )
    }
}
