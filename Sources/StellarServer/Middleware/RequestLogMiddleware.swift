import HTTPTypes
import Hummingbird
import Logging
import StellarInference

/// Counts and logs every request when the last byte of its answer is written. Never logs bodies or query strings: they hold prompts and keys.
struct RequestLogMiddleware: RouterMiddleware {
    typealias Context = ServerRequestContext

    let metrics: ServerMetrics

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        let response: Response
        do {
            response = try await next(request, context)
        } catch {
            // Broken HTTP inside a body: the connection answers it by 400.
            finish(request, context, status: 400, isComplete: false)
            throw error
        }
        let status = Int(response.status.code)
        guard response.body.contentLength == nil else {
            finish(request, context, status: status, isComplete: true)
            return response
        }
        return response.whenWritten { isComplete in finish(request, context, status: status, isComplete: isComplete) }
    }

    private func finish(_ request: Request, _ context: Context, status: Int, isComplete: Bool) {
        let duration = ContinuousClock.now - context.receivedAt
        metrics.request(
            method: Self.label(of: request.method),
            endpoint: Self.label(ofEndpoint: context.endpointPath),
            status: status,
            duration: duration
        )
        context.logger.info(
            "Request answered",
            metadata: [
                "method": "\(request.method.rawValue)",
                "path": "\(Self.loggable(request.uri.path))",
                "status": "\(status)",
                "duration_ms": "\((duration.seconds * 1e4).rounded() / 10)",
                "complete": "\(isComplete)",
            ]
        )
    }

    /// Hummingbird has names of its own for what no route answered.
    private static func label(ofEndpoint path: String?) -> String {
        switch path {
        case nil, "NotFound": "unmatched"
        case "FileMiddleware": "web"
        case .some(let template): template
        }
    }

    /// Methods are the client's free choice: unknown ones share one label, so that nobody can make series without end.
    static func label(of method: HTTPRequest.Method) -> String {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .options, .patch, .trace, .connect]
        return known.contains(method) ? method.rawValue : "other"
    }

    /// Control characters could forge log lines; very long paths flood the log.
    static func loggable(_ path: String) -> String {
        let shown = path.unicodeScalars.prefix(256).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) }
        return String(shown)
    }
}

extension Response {
    /// Calls `action` when the body has been written (`true`) or could not be (`false`).
    func whenWritten(_ action: @escaping @Sendable (Bool) -> Void) -> Response {
        let body = self.body
        var response = self
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            do {
                try await body.write(writer)
            } catch {
                action(false)
                throw error
            }
            action(true)
        }
        return response
    }
}
