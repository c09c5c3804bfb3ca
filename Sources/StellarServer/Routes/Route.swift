import HTTPTypes
import Hummingbird
import StellarProtocol

/// One path and what it does for each method. Every other method is answered by 405 with `Allow`.
struct Route {
    typealias Handler = @Sendable (Request, ServerRequestContext) async throws -> Response

    private static let methods =
        [.get, .head, .post, .put, .patch, .delete, .options, .trace, .connect] + [HTTPRequest.Method("QUERY")].compactMap { $0 }

    private let path: String
    private let handlers: [HTTPRequest.Method: Handler]

    init(_ path: String, _ handlers: [HTTPRequest.Method: Handler]) {
        self.path = path
        self.handlers = handlers
    }

    /// As `METHOD /path`.
    var operations: [String] { handlers.keys.map { "\($0.rawValue) \(path)" } }

    func add(to router: Router<ServerRequestContext>) {
        var allowed = Set(handlers.keys)
        if allowed.contains(.get) { allowed.insert(.head) }
        let allow = allowed.map(\.rawValue).sorted().joined(separator: ", ")
        for (method, handler) in handlers { router.on(RouterPath(path), method: method, use: handler) }
        for method in Self.methods where !allowed.contains(method) {
            router.on(RouterPath(path), method: method) { _, _ in
                var response = try Response.error(.methodNotAllowed("\(method.rawValue) is not possible here. Allowed: \(allow)."))
                response.headers[.allow] = allow
                return response
            }
        }
    }
}
