import Hummingbird
import HummingbirdTesting
import Logging
import ServiceLifecycle
import StellarServer

/// A server around a scripted backend.
struct TestServer: Sendable {
    var configuration: ChatServer.Configuration
    let backend: WordBackend
    let holder: BackendHolder
    let metrics = ServerMetrics()
    var storage: TestStorage?

    init(backend: WordBackend = WordBackend(), state: ModelState? = nil) {
        self.backend = backend
        holder = BackendHolder(state ?? .ready(backend))
        configuration = ChatServer.Configuration()
        configuration.port = 0
        configuration.allowedOrigins = ["http://localhost:5173"]
        configuration.maxBodySize = 1 << 20
        configuration.webSocket.closeTimeout = .milliseconds(500)
        // A machine that is busy, or stands still for a while, must not make the server say or do anything on its own.
        configuration.keepAlive = .seconds(3600)
        configuration.idleTimeout = .seconds(3600)
        configuration.writeTimeout = .seconds(3600)
        configuration.webSocket.pingInterval = .seconds(3600)
    }

    var server: ChatServer {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return ChatServer(
            configuration: configuration,
            holder: holder,
            sessions: storage?.sessions,
            keys: storage?.keys,
            metrics: metrics,
            logger: logger
        )
    }

    /// Runs `test` with a client, in process or over a socket.
    func test(_ setup: TestingSetup, _ test: @escaping @Sendable (any TestClientProtocol) async throws -> Void) async throws {
        try await server.application().test(setup, test)
    }

    /// Runs `test` while the server listens on a free port; then shuts the server down gracefully and waits for it.
    func run(_ test: @escaping @Sendable (Int, ServiceGroup) async throws -> Void) async throws {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = ChatServerService(server) { continuation.yield($0) }
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [service], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            guard let port = await ports.first(where: { _ in true }) else { return }
            do {
                try await test(port, group)
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
