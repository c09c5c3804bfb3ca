import HTTPTypes
import Hummingbird
import Logging
import StellarProtocol

/// `/api/api-keys`: keys made at run time, for callers with an admin key.
struct KeyRoutes: Sendable {
    private static let maxBodySize = 16 << 10

    /// `nil` where there is no database.
    let store: KeyStore?
    let ring: KeyRing?

    var routes: [Route] {
        [
            Route("/api/api-keys", [.get: list, .post: create]),
            Route("/api/api-keys/{id}", [.delete: delete]),
            Route("/api/api-keys/{id}/activate", [.post: activate]),
            Route("/api/api-keys/{id}/deactivate", [.post: deactivate]),
        ]
    }

    private func keys(for context: ServerRequestContext) throws(APIError) -> KeyStore {
        guard context.caller.isAdmin else { throw .adminOnly }
        guard let store else {
            throw .unavailable("Keys can't be made without a database (SESSIONS=off).", code: "sessions_off", retryAfter: nil)
        }
        return store
    }

    @Sendable private func list(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        try .json(ListPage(data: try await keys(for: context).list()))
    }

    @Sendable private func create(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let store = try keys(for: context)
        let key = try await store.create(try await request.decode(NewAPIKey.self, limit: Self.maxBodySize))
        try await ring?.reload()
        context.logger.notice("API key created", metadata: ["created_key": "\(key.id)", "admin": "\(key.admin)"])
        return try .json(key, status: .created, headers: [.cacheControl: "no-store"])
    }

    @Sendable private func activate(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        try await set(true, context)
    }

    @Sendable private func deactivate(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        try await set(false, context)
    }

    private func set(_ isActive: Bool, _ context: ServerRequestContext) async throws -> Response {
        let key = try await keys(for: context).setActive(try context.path("id"), isActive)
        try await ring?.reload()
        context.logger.notice("API key changed", metadata: ["changed_key": "\(key.id)", "active": "\(isActive)"])
        return try .json(key)
    }

    @Sendable private func delete(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let id = try context.path("id")
        try await keys(for: context).delete(id)
        try await ring?.reload()
        context.logger.notice("API key deleted", metadata: ["deleted_key": "\(RequestLogMiddleware.loggable(id))"])
        return try .json(DeletedObject(id: id, object: "api_key.deleted"))
    }
}
