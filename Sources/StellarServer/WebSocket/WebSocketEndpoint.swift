import Hummingbird
import Logging
import NIOHTTP1

/// `/api/ws/chat`: which handshakes are passed on, and what then happens on the connection.
struct WebSocketEndpoint: Sendable {
    static let paths: Set<String> = ["/api/ws/chat", "/v1/ws/chat"]

    let limits: WebSocketLimits
    let origins: OriginPolicy
    let metrics: ServerMetrics
    let chat: ChatService
    let holder: BackendHolder

    /// Whether a request is a handshake that its route may grant.
    @Sendable static func isHandshake(_ head: HTTPRequestHead) -> Bool {
        let path = head.uri.prefix { $0 != "?" }
        return paths.contains(String(path)) && WebSocketHandshake.isValid(head)
    }

    @Sendable func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let sessionID = Self.sessionID(of: request.uri.string)
        var logger = context.logger
        logger[metadataKey: "session_id"] = "\(sessionID)"
        return try WebSocketRoute(origins: origins).upgrade(request) { [logger] body, writer in
            metrics.webSocketConnectionsTotal.increment(by: 1.0)
            metrics.webSocketConnections.increment(by: 1)
            defer { metrics.webSocketConnections.decrement(by: 1) }
            logger.info("WebSocket opened")
            let session = ChatSocket(session: ChatSession(id: sessionID), chat: chat, metrics: metrics, logger: logger)
            await WebSocketConnection(session: session, limits: limits, logger: logger).run(body, &writer)
            logger.info("WebSocket closed")
        }
    }

    /// The query's `session_id` if it is fit to be logged, else a new one.
    static func sessionID(of uri: String) -> String {
        let query = uri.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let given = query.split(separator: "&").first { $0.hasPrefix("session_id=") }?.dropFirst("session_id=".count)
        return given.flatMap { RequestIDMiddleware.accepted(String($0)) } ?? "session-" + RequestIDMiddleware.makeID().dropFirst(4)
    }
}
