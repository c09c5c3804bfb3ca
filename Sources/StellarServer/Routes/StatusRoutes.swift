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
    /// `nil` where sessions are not stored.
    let sessions: SessionStore?

    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let uptime = (ContinuousClock.now - startedAt).seconds
        var health = holder.health(version: BuildInformation.version, uptimeSeconds: (uptime * 1000).rounded() / 1000)
        let isReady = health.status == .ok
        let status: HTTPResponse.Status = isReady ? .ok : .serviceUnavailable
        let headers: HTTPFields = isReady ? [:] : [.retryAfter: "2"]
        // Where keys are asked for, strangers learn whether the server runs and nothing else.
        guard context.caller.isTrusted else { return try .json(["status": health.status], status: status, headers: headers) }
        health.sessions = storage
        return try .json(health, status: status, headers: headers)
    }

    private var storage: HealthResponse.Sessions {
        guard let sessions else { return .init(status: .off) }
        return sessions.problem.map { .init(status: .error, message: $0) } ?? .init(status: .ok)
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
