import HTTPTypes
import Hummingbird
import Logging
import StellarProtocol

/// Finds out who calls, refuses who may not, and counts against rate limits.
///
/// Without a key are: the web chat's files, health checks and the API's description; `/metrics` if the settings say so. What a route is
/// decides, not the spelling of the path.
struct AccessMiddleware: RouterMiddleware {
    typealias Context = ServerRequestContext

    private static let publicRoutes: Set<String> = Set(
        ["/", "FileMiddleware", "NotFound"]
            + ["/api", "/v1"].flatMap { prefix in ["health", "ready", "docs", "docs.css", "openapi.json"].map { "\(prefix)/\($0)" } }
    )
    /// Routes whose `POST` makes the model work or that cost as much.
    private static let unlimitedPrefixes = ["/api/sessions", "/api/api-keys"]

    let policy: AccessPolicy

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        var context = context
        let route = context.endpointPath
        let credentials = Credentials(request, isWebSocket: route.map(WebSocketEndpoint.paths.contains) ?? false)
        guard context.stream != nil || credentials.hasOneHost else { throw APIError.hostIsMissing }
        context.caller = try policy.identify(credentials, peer: context.peer)
        if let key = context.caller.keyID { context.logger[metadataKey: "key"] = "\(key)" }
        guard context.caller.isTrusted || isPublic(route) else {
            throw credentials.keys.isEmpty ? APIError.missingKey : APIError.wrongKey
        }
        guard request.method == .post, let route, !Self.unlimitedPrefixes.contains(where: route.hasPrefix),
            let status = policy.admit(context.caller)
        else { return try await next(request, context) }
        var response =
            try await status.retryAfter == nil
            ? policy.metering(context.caller) { [context] in try await next(request, context) } : .error(.rateLimited(status))
        for (name, value) in status.headers {
            if let name = HTTPField.Name(name) { response.headers[name] = value }
        }
        return response
    }

    private func isPublic(_ route: String?) -> Bool {
        guard let route else { return true }
        return Self.publicRoutes.contains(route) || (policy.metricsArePublic && route == "/metrics")
    }
}
