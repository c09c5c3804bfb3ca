import HTTPTypes
import Hummingbird
import StellarProtocol

/// CORS by allow-list, and refusal of state-changing requests from pages that are not on it.
///
/// The refusal matters because a browser sends simple POST requests of any page without asking first: the page could not read the reply,
/// but the model would work for it.
struct CrossOriginMiddleware: RouterMiddleware {
    typealias Context = ServerRequestContext

    static let exposedHeaders = [
        "x-request-id", "retry-after", "x-session-id", "x-user-message-id", "x-message-id", "x-ratelimit-limit-requests",
        "x-ratelimit-limit-tokens", "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests",
        "x-ratelimit-reset-tokens", "content-disposition",
    ].joined(separator: ", ")

    let policy: OriginPolicy

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        var response = try await answer(request, context: context, next: next)
        // With a list, an answer to one origin is none for another, nor for a request without any.
        if !policy.allowed.isEmpty, !policy.allowed.contains("*") { response.headers.append(HTTPField(name: .vary, value: "Origin")) }
        return response
    }

    private func answer(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        guard let origin = request.headers[.origin] else { return try await next(request, context) }
        var response: Response
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            response = preflight(request)
        } else if request.isSafe || policy.permits(origin, hosts: request.hosts) {
            response = try await next(request, context)
        } else {
            response = try .error(.originNotAllowed(origin))
        }
        if policy.lists(origin) { allow(origin, in: &response) }
        return response
    }

    private func preflight(_ request: Request) -> Response {
        var response = Response(status: .noContent)
        response.headers[.accessControlAllowMethods] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        response.headers[.accessControlAllowHeaders] = request.headers[.accessControlRequestHeaders]
        response.headers[.accessControlMaxAge] = "600"
        return response
    }

    private func allow(_ origin: String, in response: inout Response) {
        response.headers[.accessControlAllowOrigin] = policy.allowed.contains("*") ? "*" : origin
        response.headers[.accessControlExposeHeaders] = Self.exposedHeaders
    }
}

extension Request {
    /// Methods that change nothing (RFC 9110, 9.2.1).
    var isSafe: Bool { [.get, .head, .options].contains(method) }

    /// The names under which the client reached the server.
    var hosts: [String] { [head.authority, headers[.forwardedHost]].compactMap { $0 } }
}

extension APIError {
    /// 403: a browser's page from elsewhere.
    static func originNotAllowed(_ origin: String) -> APIError {
        APIError(
            status: 403,
            message: "Pages of \(origin.prefix(256)) may not use this server. CORS_ALLOWED_ORIGINS can allow them.",
            code: "origin_not_allowed"
        )
    }
}
