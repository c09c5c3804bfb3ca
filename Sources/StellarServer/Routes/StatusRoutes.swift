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

/// `GET /api/ready`: 200 while new requests are taken, 503 otherwise: for load balancers and supervisors.
struct ReadyRoute: Sendable {
    let holder: BackendHolder

    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let answer = ReadyResponse(status: holder.status)
        return try .json(answer, status: answer.ready ? .ok : .serviceUnavailable, headers: answer.ready ? [:] : [.retryAfter: "2"])
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
