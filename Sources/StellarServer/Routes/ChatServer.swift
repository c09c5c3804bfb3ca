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
        /// How long a client may take nothing of what is there for it.
        public var writeTimeout = Duration.seconds(60)
        /// How long a reply may take; `nil`: as long as it takes.
        public var requestTimeout: Duration?
        /// Log prompts and replies.
        public var logsPrompts = false
        /// What connections are encrypted with; `nil`: not at all.
        public var tls: TLSIdentity?
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
    private let sessions: SessionStore?
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
        chat = ChatService(
            holder: holder,
            observer: MeteringObserver(base: ChatMetrics(metrics: metrics, holder: holder)),
            timeout: configuration.requestTimeout
        )
    }

    /// The service to run.
    ///
    /// - Parameter onRunning: Called with the port once connections are accepted.
    public func application(onRunning: @escaping @Sendable (Int) async -> Void = { _ in }) -> some ApplicationProtocol {
        let origins = OriginPolicy(allowed: configuration.allowedOrigins)
        let limits = ConnectionLimits(
            maxBodySize: configuration.maxBodySize,
            idleTimeout: TimeAmount(configuration.idleTimeout),
            writeTimeout: TimeAmount(configuration.writeTimeout),
            closeTimeout: TimeAmount(configuration.webSocket.closeTimeout)
        )
        return Application(
            responder: router(origins: origins).buildResponder(),
            server: HTTPServerBuilder { [tls = configuration.tls] responder in
                let http1 = ServerChannel(
                    responder: responder,
                    limits: limits,
                    isSecure: tls != nil,
                    isHandshake: WebSocketEndpoint.isHandshake
                )
                guard let tls else { return http1 }
                return SecureServerChannel(tls, http1: http1)
            },
            configuration: ApplicationConfiguration(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { [configuration] in await onRunning($0.localAddress?.port ?? configuration.port) },
            logger: logger
        )
    }

    private func router(origins: OriginPolicy) -> Router<ServerRequestContext> {
        let router = Router(context: ServerRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestIDMiddleware())
        router.add(middleware: RequestLogMiddleware(metrics: metrics))
        router.add(middleware: StreamMonitorMiddleware())
        router.add(middleware: HeadMiddleware())
        router.add(middleware: SecurityHeadersMiddleware())
        router.add(middleware: CrossOriginMiddleware(policy: origins))
        router.add(middleware: CompressionMiddleware())
        router.add(middleware: ErrorMiddleware(maxBodySize: configuration.maxBodySize))
        router.add(middleware: AccessMiddleware(policy: access))
        addWebChat(to: router)
        for route in routes(origins: origins) { route.add(to: router) }
        return router
    }

    private func addWebChat(to router: Router<ServerRequestContext>) {
        if let root = configuration.webRoot, WebRoot.hasIndex(root) {
            router.add(middleware: WebFiles(root: root, logger: logger))
        } else {
            Route("/", [.get: { _, _ in WebFiles.missingPage }]).add(to: router)
        }
    }

    /// What the server answers, as `METHOD /path`, without the web chat's files.
    package var operations: Set<String> {
        Set(routes(origins: OriginPolicy(allowed: [])).flatMap(\.operations))
    }

    private func routes(origins: OriginPolicy) -> [Route] {
        let generation = GenerationRoutes(
            chat: chat,
            maxBodySize: configuration.maxBodySize,
            keepAlive: configuration.keepAlive,
            logsPrompts: configuration.logsPrompts,
            sessions: sessions
        )
        let health = HealthRoute(holder: holder, startedAt: startedAt, sessions: sessions)
        let models = ModelRoutes(holder: holder)
        let tokens = TokenRoutes(routes: generation)
        let webSocket = WebSocketEndpoint(
            limits: configuration.webSocket,
            origins: origins,
            metrics: metrics,
            chat: chat,
            holder: holder,
            sessions: sessions,
            access: access
        )
        var routes = [Route("/metrics", [.get: MetricsRoute(registry: metrics.registry).handle])]
        for prefix in ["/api", "/v1"] {
            routes += [
                Route(prefix + "/health", [.get: health.handle]),
                Route(prefix + "/ready", [.get: ReadyRoute(holder: holder).handle]),
                Route(prefix + "/ws/chat", [.get: webSocket.handle]),
            ]
        }
        // Clients differ in whether their base URL ends with /v1.
        for prefix in ["", "/api", "/v1"] {
            routes.append(Route(prefix + "/models", [.get: models.list]))
            routes.append(Route(prefix + "/models/{id}", [.get: models.one]))
            routes.append(Route(prefix + "/chat/completions", [.post: ChatCompletionRoute(routes: generation).handle]))
            routes.append(Route(prefix + "/completions", [.post: CompletionRoute(routes: generation).handle]))
            routes.append(Route(prefix + "/embeddings", [.post: EmbeddingRoute().handle]))
            routes.append(Route(prefix + "/tokenize", [.post: tokens.tokenize]))
            routes.append(Route(prefix + "/detokenize", [.post: tokens.detokenize]))
        }
        routes += SessionRoutes(store: sessions, maxBodySize: configuration.maxBodySize).routes
        routes += DocumentationRoutes().routes
        return routes + KeyRoutes(store: keys, ring: configuration.access.keys).routes
    }
}
