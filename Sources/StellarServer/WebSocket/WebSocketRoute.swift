import HTTPTypes
package import Hummingbird
import NIOCore
import StellarProtocol

/// Answers requests to a WebSocket's path: grants handshakes, and says what is wrong with everything else.
package struct WebSocketRoute: Sendable {
    package let origins: OriginPolicy

    package init(origins: OriginPolicy) {
        self.origins = origins
    }

    /// - Parameter serve: Serves the connection after the handshake, until it is over.
    /// - Throws: ``APIError`` 400 and 403.
    package func upgrade(
        _ request: Request,
        serve: @escaping @Sendable (RequestBody, inout any ResponseBodyWriter) async -> Void
    ) throws -> Response {
        // Browsers let any page open a WebSocket anywhere: it is the server's part to look at the origin.
        if let origin = request.headers[.origin], !origins.permits(origin, hosts: request.hosts) {
            throw APIError.originNotAllowed(origin)
        }
        switch WebSocketHandshake.judge(request.headers) {
        case .badKey:
            throw APIError.invalidRequest("Sec-WebSocket-Key must be 16 bytes in Base64.", code: "bad_websocket_handshake")
        case .notAnUpgrade, .badVersion: return try Self.upgradeRequired
        case .valid:
            // The connection leaves the offer in only where it can be granted.
            guard let upgrade = HTTPField.Name("upgrade"), request.headers[upgrade] != nil, let key = request.headers[.secWebSocketKey]
            else {
                throw APIError.invalidRequest(
                    "A WebSocket handshake must have no body and say Connection: Upgrade and Upgrade: websocket.",
                    code: "bad_websocket_handshake"
                )
            }
            let body = request.body
            return Response(
                status: .switchingProtocols,
                headers: [
                    .upgrade: "websocket", .connection: "Upgrade", .secWebSocketAccept: WebSocketHandshake.accept(key: key),
                ],
                body: ResponseBody { writer in
                    await serve(body, &writer)
                    try await writer.finish(nil)
                }
            )
        }
    }

    private static var upgradeRequired: Response {
        get throws {
            var response = try Response.error(
                APIError(status: 426, message: "This path speaks WebSocket, version 13.", code: "upgrade_required")
            )
            response.headers[.secWebSocketVersion] = WebSocketHandshake.version
            response.headers[.upgrade] = "websocket"
            response.headers[.connection] = "upgrade"
            return response
        }
    }
}
