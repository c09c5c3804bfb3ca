import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket
import ServiceLifecycle

/// Bounds of one WebSocket connection.
package struct WebSocketLimits: Sendable {
    /// Bytes of one frame.
    package var maxFrameSize = 1 << 20
    /// Bytes of one message, over all its frames.
    package var maxMessageSize = 8 << 20
    /// The client is pinged this often, and taken for dead if nothing has come from it between two pings.
    package var pingInterval = Duration.seconds(30)
    /// How long a closing connection waits for the client.
    package var closeTimeout = Duration.seconds(2)
}

/// `/api/ws/chat`: which handshakes are granted, and what then happens on the connection.
struct WebSocketEndpoint: Sendable {
    static let paths = ["/api/ws/chat", "/v1/ws/chat"]

    let limits: WebSocketLimits
    let origins: OriginPolicy
    let metrics: ServerMetrics
    let chat: ChatService
    let sessions: SessionStore?
    let access: AccessPolicy

    /// Whether a request is a handshake to grant. Anything else reaches the router, which says what is wrong with it.
    ///
    /// - Parameter peer: the other end of the connection.
    func accepts(_ head: HTTPRequestHead, peer: SocketAddress?) -> Bool {
        let path = head.uri.prefix { $0 != "?" }
        guard Self.paths.contains(String(path)), WebSocketHandshake.isValid(head) else { return false }
        guard (try? access.identify(Credentials(handshake: head), peer: peer))?.isTrusted == true else { return false }
        // Browsers let any page open a WebSocket anywhere: it is the server's part to look at the origin.
        return origins.permits(head.headers.first(name: "origin"), hosts: head.headers["host"] + head.headers["x-forwarded-host"])
    }

    /// Serves the connection until either side closes it.
    func serve(_ channel: ServerChannel.WebSocketChannel, head: HTTPRequestHead, logger: Logger) async {
        metrics.webSocketConnectionsTotal.increment(by: 1.0)
        metrics.webSocketConnections.increment(by: 1)
        defer { metrics.webSocketConnections.decrement(by: 1) }
        var logger = logger
        // It was let in a moment ago; a key that was revoked since closes the connection at once.
        let caller = (try? access.identify(Credentials(handshake: head), peer: channel.channel.remoteAddress)) ?? Caller(isTrusted: false)
        if let key = caller.keyID { logger[metadataKey: "key"] = "\(key)" }
        let given = Self.sessionID(of: head.uri)
        let sessionID = given ?? "session-" + RequestIDMiddleware.makeID().dropFirst(4)
        logger[metadataKey: "session_id"] = "\(sessionID)"
        logger.info("WebSocket opened")
        do {
            try await channel.executeThenClose { inbound, outbound in
                let connection = WebSocketConnection(
                    session: ChatSession(id: sessionID, isStored: given != nil && sessions != nil),
                    channel: channel.channel,
                    outbound: outbound,
                    limits: limits,
                    chat: chat,
                    sessions: sessions,
                    access: access,
                    caller: caller,
                    logger: logger
                )
                await connection.run(inbound)
            }
        } catch {
            logger.debug("WebSocket ended by an error", metadata: ["error": "\(error)"])
        }
        logger.info("WebSocket closed")
    }

    /// The query's `session_id`, if it is one.
    static func sessionID(of uri: String) -> String? {
        let query = QueryParameters(uri.split(separator: "?", maxSplits: 1).dropFirst().first.map(String.init))
        return query["session_id"].flatMap { SessionStore.isValidID($0) ? $0 : nil }
    }
}
