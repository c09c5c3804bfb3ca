import HTTPTypes
import Hummingbird

/// Takes the bodies off all answers to `HEAD`, errors too: a client takes what follows the head for its next answer.
struct HeadMiddleware: RouterMiddleware {
    typealias Context = ServerRequestContext

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        let response = try await next(request, context)
        return request.method == .head ? response.createHeadResponse() : response
    }
}
