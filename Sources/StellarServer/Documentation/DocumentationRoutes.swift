import HTTPTypes
import Hummingbird
import NIOCore
import StellarProtocol

/// `/api/openapi.json` and `/api/docs`: made once, from what is in the program itself.
struct DocumentationRoutes: Sendable {
    private static let made = Result {
        let document = try APIDescription.document()
        return (json: ByteBuffer(bytes: try JSONCoding.encode(document)), page: ByteBuffer(string: APIPage(document).html))
    }

    var routes: [Route] {
        ["/api", "/v1"].flatMap { prefix in
            [
                Route(prefix + "/openapi.json", [.get: { _, _ in Self.answer("application/json", try Self.made.get().json) }]),
                Route(prefix + "/docs", [.get: { _, _ in Self.answer("text/html; charset=utf-8", try Self.made.get().page) }]),
                Route(
                    prefix + "/docs.css",
                    [.get: { _, _ in Self.answer("text/css; charset=utf-8", ByteBuffer(string: APIPage.style)) }]
                ),
            ]
        }
    }

    private static func answer(_ type: String, _ body: ByteBuffer) -> Response {
        Response(status: .ok, headers: [.contentType: type, .cacheControl: "no-cache"], body: ResponseBody(byteBuffer: body))
    }
}
