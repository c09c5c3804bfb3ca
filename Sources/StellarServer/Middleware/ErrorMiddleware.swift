import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import StellarProtocol

/// Turns every error into the JSON error body of the API. Unknown errors are logged and hidden behind a 500.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = ServerRequestContext

    /// nginx's status for a client that left before its answer; nobody receives it.
    static let clientClosedRequest = HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request")

    let maxBodySize: Int

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        do {
            return try await next(request, context)
        } catch is HTTPParserError {
            // The body breaks off here, and so does the connection.
            var response = try Response.error(.invalidRequest("The request is not valid HTTP/1.1.", code: "bad_request"))
            response.headers[.connection] = "close"
            return response
        } catch is CancellationError {
            return Response(status: Self.clientClosedRequest)
        } catch {
            return try Response.error(apiError(for: error, request: request, context: context))
        }
    }

    private func apiError(for error: any Error, request: Request, context: Context) -> APIError {
        switch error {
        case let error as APIError: return error
        case is NIOTooManyBytesError: return .bodyTooLarge(limit: maxBodySize)
        case let error as any HTTPResponseError where error.status == .notFound:
            return .notFound("Nothing is served at \(request.method.rawValue) \(RequestLogMiddleware.loggable(request.uri.path)).")
        case let error as any HTTPResponseError where (400..<500).contains(error.status.code):
            return APIError(status: Int(error.status.code), message: (error as? HTTPError)?.body ?? error.status.reasonPhrase)
        default:
            context.logger.error("Request failed", metadata: ["error": "\(error)"])
            return .internalError(
                "The server had an error while processing the request. Its log says more under the request id \(context.requestID)."
            )
        }
    }
}

extension Response {
    /// A JSON body.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONCoding.encode(value))))
    }

    /// An error of the API with the headers that belong to it. After 413 the connection closes: the rest of the body is not wanted.
    static func error(_ error: APIError) throws -> Response {
        var headers = HTTPFields()
        headers[.retryAfter] = error.retryAfter.map(String.init)
        if error.status == 401 {
            let isMissing = error == .missingKey
            headers[.wwwAuthenticate] = "Bearer realm=\"StellarChat\"" + (isMissing ? "" : ", error=\"invalid_token\"")
        }
        // Official clients repeat every 5xx unless they are told not to.
        if error.status == 504 { headers[.shouldRetry] = "false" }
        if error.status == 413 { headers[.connection] = "close" }
        return try .json(error.response, status: HTTPResponse.Status(code: error.status), headers: headers)
    }
}
