import HTTPTypes
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore

/// The HTTP and WebSocket server: routes, middleware and connections around a ``ChatService``.
public struct ChatServer: Sendable {
    /// What the server itself can be told.
    public struct Configuration: Sendable {
        public var host = "127.0.0.1"
        /// 0 takes a free one.
        public var port = 8080
        /// Origins of other web pages that may use the API.
        public var allowedOrigins: [String] = []
        /// Directory of the web chat; `nil`: `/` says that there is none.
        public var webRoot: String?
        /// Bytes of a request body.
        public var maxBodySize = 8 << 20
        /// Silence in a stream after which a comment keeps the connection alive.
        public var keepAlive = Duration.seconds(5)
        /// How long a connection may be idle.
        public var idleTimeout = Duration.seconds(120)
        /// Who may use the server, and how much.
        public var access = AccessSettings()
        package var webSocket = WebSocketLimits()

        public init() {}
    }

    let configuration: Configuration
    let holder: BackendHolder
    let chat: ChatService
    let metrics: ServerMetrics
    let logger: Logger
    let sessions: SessionStore?
    private let keys: KeyStore?
    private let access: AccessPolicy
    private let startedAt = ContinuousClock.now

    /// - Parameters:
    ///   - sessions: where conversations are stored; `nil`: nowhere.
    ///   - keys: where keys are stored that are made at run time.
    public init(
        configuration: Configuration,
        holder: BackendHolder,
        sessions: SessionStore? = nil,
        keys: KeyStore? = nil,
        metrics: ServerMetrics = ServerMetrics(),
        logger: Logger
    ) {
        self.configuration = configuration
        self.holder = holder
        self.sessions = sessions
        self.keys = keys
        access = AccessPolicy(configuration.access, host: configuration.host)
        self.metrics = metrics
        self.logger = logger
        chat = ChatService(holder: holder, observer: MeteringObserver(base: ChatMetrics(metrics: metrics, holder: holder)))
    }

    /// The service to run.
    ///
    /// - Parameter onRunning: Called with the port once connections are accepted.
    public func application(onRunning: @escaping @Sendable (Int) async -> Void = { _ in }) -> some ApplicationProtocol {
        let origins = OriginPolicy(allowed: configuration.allowedOrigins)
        let endpoint = WebSocketEndpoint(
            limits: configuration.webSocket,
            origins: origins,
            metrics: metrics,
            chat: chat,
            sessions: sessions,
            access: access
        )
        let limits = ConnectionLimits(maxBodySize: configuration.maxBodySize, idleTimeout: TimeAmount(configuration.idleTimeout))
        return Application(
            responder: router(origins: origins).buildResponder(),
            server: HTTPServerBuilder { ServerChannel(responder: $0, limits: limits, webSocket: endpoint) },
            configuration: ApplicationConfiguration(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { [configuration] in await onRunning($0.localAddress?.port ?? configuration.port) },
            logger: logger
        )
    }

    private func router(origins: OriginPolicy) -> Router<ServerRequestContext> {
        let router = Router(context: ServerRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestIDMiddleware())
        router.add(middleware: RequestLogMiddleware(metrics: metrics))
        router.add(middleware: SecurityHeadersMiddleware())
        router.add(middleware: CrossOriginMiddleware(policy: origins))
        router.add(middleware: ErrorMiddleware(maxBodySize: configuration.maxBodySize))
        router.add(middleware: AccessMiddleware(policy: access))
        addWebChat(to: router)
        for route in routes { route.add(to: router) }
        return router
    }

    private func addWebChat(to router: Router<ServerRequestContext>) {
        if let root = configuration.webRoot, WebRoot.hasIndex(root) {
            router.add(middleware: WebFiles(root: root, logger: logger))
        } else {
            Route("/", [.get: { _, _ in WebFiles.missingPage }]).add(to: router)
        }
    }

    private var routes: [Route] {
        let health = HealthRoute(holder: holder, startedAt: startedAt)
        let models = ModelRoutes(holder: holder)
        let completions = ChatCompletionRoute(
            chat: chat,
            maxBodySize: configuration.maxBodySize,
            keepAlive: configuration.keepAlive,
            logger: logger,
            sessions: sessions
        )
        let api = ["/api", "/v1"].flatMap { prefix in
            [
                Route(prefix + "/health", [.get: health.handle]),
                Route(prefix + "/models", [.get: models.list]),
                Route(prefix + "/models/{id}", [.get: models.one]),
                Route(prefix + "/chat/completions", [.post: completions.handle]),
                Route(prefix + "/ws/chat", [.get: WebSocketRefusal(origins: OriginPolicy(allowed: configuration.allowedOrigins)).handle]),
            ]
        }
        let stored = SessionRoutes(store: sessions, maxBodySize: configuration.maxBodySize).routes
        let manageable = KeyRoutes(store: keys, ring: configuration.access.keys).routes
        return api + stored + manageable + [Route("/metrics", [.get: MetricsRoute(registry: metrics.registry).handle])]
    }
}
