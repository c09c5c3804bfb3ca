import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import StellarInference
import StellarProtocol

/// `GET /api/health`: 200 when requests can be taken, 503 otherwise.
struct HealthRoute: Sendable {
    let holder: BackendHolder
    let startedAt: ContinuousClock.Instant

    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let uptime = (ContinuousClock.now - startedAt).seconds
        let health = holder.health(version: BuildInformation.version, uptimeSeconds: (uptime * 1000).rounded() / 1000)
        guard health.status != .ok else { return try .json(health) }
        return try .json(health, status: .serviceUnavailable, headers: [.retryAfter: "2"])
    }
}

/// `GET /api/models` and `GET /api/models/{id}`.
struct ModelRoutes: Sendable {
    let holder: BackendHolder

    func list(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        try .json(ModelList(data: holder.models))
    }

    func one(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let id = try context.parameters.require("id")
        let name = id.removingPercentEncoding ?? id
        guard let model = holder.models.first(where: { $0.id == name }) else { throw APIError.modelNotFound(String(name.prefix(256))) }
        return try .json(model)
    }
}

/// `GET /metrics`.
struct MetricsRoute: Sendable {
    let registry: MetricRegistry

    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        Response(
            status: .ok,
            headers: [.contentType: MetricText.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: registry.render()))
        )
    }
}

/// What a request to the WebSocket path gets that is no handshake to grant.
struct WebSocketRefusal: Sendable {
    let origins: OriginPolicy

    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        switch WebSocketHandshake.judge(request.headers) {
        case .badKey:
            throw APIError.invalidRequest("Sec-WebSocket-Key must be 16 bytes in Base64.", code: "bad_websocket_handshake")
        case .valid:
            if let origin = request.headers[.origin], !origins.permits(origin, hosts: request.hosts) {
                throw APIError.originNotAllowed(origin)
            }
            throw APIError.invalidRequest(
                "A WebSocket handshake must be the first request of its connection, have no body, and say Upgrade: websocket.",
                code: "bad_websocket_handshake"
            )
        case .notAnUpgrade, .badVersion:
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
