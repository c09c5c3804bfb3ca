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
    let sessions: SessionStore?
    let access: AccessPolicy

    /// Whether a request is a handshake that its route may grant.
    @Sendable static func isHandshake(_ head: HTTPRequestHead) -> Bool {
        let path = head.uri.prefix { $0 != "?" }
        return paths.contains(String(path)) && WebSocketHandshake.isValid(head)
    }

    @Sendable func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let given = request.query["session_id"].flatMap { SessionStore.isValidID($0) ? $0 : nil }
        let sessionID = given ?? "session-" + RequestIDMiddleware.makeID().dropFirst(4)
        let gate = ReplyGate(chat: chat, sessions: sessions, access: access, caller: context.caller)
        var logger = context.logger
        logger[metadataKey: "session_id"] = "\(sessionID)"
        return try WebSocketRoute(origins: origins).upgrade(request) { [logger] body, writer in
            metrics.webSocketConnectionsTotal.increment(by: 1.0)
            metrics.webSocketConnections.increment(by: 1)
            defer { metrics.webSocketConnections.decrement(by: 1) }
            logger.info("WebSocket opened")
            let session = ChatSocket(
                session: ChatSession(id: sessionID, isStored: given != nil && sessions != nil),
                gate: gate,
                metrics: metrics,
                logger: logger
            )
            await WebSocketConnection(session: session, limits: limits, logger: logger).run(body, &writer)
            logger.info("WebSocket closed")
        }
    }
}
