import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import StellarProtocol

/// The files of the web chat, for every path that no route has.
///
/// Paths without an extension that are not the API's are places inside the web chat: they get `index.html`. Files under `/assets/` have a
/// hash of their content in their names and may be cached for good; all others are asked for again each time (`ETag`, 304).
struct WebFiles: RouterMiddleware {
    typealias Context = ServerRequestContext

    private static let apiPrefixes = ["/api", "/v1", "/metrics"]
    private let files: FileMiddleware<Context, LocalFileSystem>

    /// - Parameter root: A directory that holds an `index.html`.
    init(root: String, logger: Logger) {
        files = FileMiddleware(root, logger: logger)
    }

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        let path = try Self.decodedPath(request)
        guard context.endpointPath == nil, !Self.isAPI(path) else { return try await next(request, context) }
        guard path != "/" || [.get, .head, .options].contains(request.method) else {
            var response = try Response.error(.methodNotAllowed("\(request.method.rawValue) is not possible here. Allowed: GET, HEAD."))
            response.headers[.allow] = "GET, HEAD"
            return response
        }
        var head = request.head
        if Self.isPlaceInWebChat(path) { head.path = "/index.html" }
        // Parts of files are not served: the whole is what a server may always answer.
        for name in [HTTPField.Name.range, .ifRange, .ifNoneMatch] { head.headerFields[name] = nil }
        // A tag, if the client has one, counts alone (RFC 9110, 13.2.2).
        let tags = request.headers[values: .ifNoneMatch]
        if !tags.isEmpty { head.headerFields[.ifModifiedSince] = nil }
        var response = try await files.handle(Request(head: head, body: request.body), context: context, next: next)
        if response.status == .ok, let tag = response.headers[.eTag], Self.matches(tag, tags) {
            response = Response(status: .notModified, headers: response.headers)
        }
        response.headers[.acceptRanges] = nil
        if response.status == .notModified { response.headers[.contentLength] = nil }
        response.headers[.cacheControl] = path.hasPrefix("/assets/") ? "public, max-age=31536000, immutable" : "no-cache"
        return response
    }

    /// Whether a client that names `known` tags has the file already: weak comparison (RFC 9110, 8.8.3.2).
    private static func matches(_ tag: String, _ known: [String]) -> Bool {
        let opaque = tag.trimmingPrefix("W/")
        return known.flatMap { $0.split(separator: ",") }.contains { member in
            let member = member.trimmingCharacters(in: .whitespaces)
            return member == "*" || member.trimmingPrefix("W/") == opaque
        }
    }

    /// - Throws: 400 for what can't be part of a file's name.
    private static func decodedPath(_ request: Request) throws -> String {
        guard let path = request.uri.path.removingPercentEncoding, !path.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            throw HTTPError(.badRequest, message: "The path of the request is not valid.")
        }
        return path
    }

    static func isAPI(_ path: String) -> Bool {
        apiPrefixes.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    static func isPlaceInWebChat(_ path: String) -> Bool {
        let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        return !name.contains(".")
    }

    /// What `/` answers where no web chat is installed.
    static let missingPage = Response(
        status: .ok,
        headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-cache"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: missingPageText))
    )

    private static let missingPageText = """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>StellarChat</title></head>
        <body>
        <h1>StellarChat is running</h1>
        <p>The API is at <code>/v1</code> and <code>/api</code>. The web chat is not there: WEB_ROOT has no index.html.</p>
        <p>Build it with <code>scripts/run</code>, or set <code>WEB_ROOT</code> to the directory that holds it.</p>
        <h1 lang="zh">StellarChat 正在运行</h1>
        <p lang="zh">API 位于 <code>/v1</code> 和 <code>/api</code>。未找到网页聊天界面：WEB_ROOT 中没有 index.html。</p>
        <p lang="zh">请用 <code>scripts/run</code> 构建，或将 <code>WEB_ROOT</code> 设为包含它的目录。</p>
        </body></html>

        """
}
