import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import StellarServer
import Testing

@Suite("Web chat files", .timeLimit(.minutes(20)))
struct WebFilesTests {
    /// A directory with a small web chat, removed with the value.
    private final class Site: Sendable {
        static let script = (0..<400).map { "let name\($0) = \($0);\n" }.joined()

        let path: String

        init() throws {
            path = FileManager.default.temporaryDirectory.appendingPathComponent("web-\(UUID())").path
            try FileManager.default.createDirectory(atPath: path + "/assets", withIntermediateDirectories: true)
            try Data("<!doctype html>index".utf8).write(to: URL(fileURLWithPath: path + "/index.html"))
            try Data("js".utf8).write(to: URL(fileURLWithPath: path + "/assets/app-ABCD1234.js"))
            try Data(Self.script.utf8).write(to: URL(fileURLWithPath: path + "/sw.js"))
            try Data("secret".utf8).write(to: URL(fileURLWithPath: path + ".secret"))
        }

        deinit {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".secret")
        }
    }

    private func test(_ transport: Transport, _ body: @escaping @Sendable (any TestClientProtocol) async throws -> Void) async throws {
        let site = try Site()
        var server = TestServer()
        server.configuration.webRoot = site.path
        try await server.test(transport.setup, body)
        withExtendedLifetime(site) {}
    }

    @Test("The index is served at / and at places inside the web chat, with a strict policy", arguments: Transport.allCases)
    func index(transport: Transport) async throws {
        try await test(transport) { client in
            for path in ["/", "/index.html", "/chat/42", "/settings?x=1"] {
                try await client.execute(uri: path, method: .get) { response in
                    #expect(response.status == .ok)
                    #expect(String(buffer: response.body) == "<!doctype html>index")
                    #expect(response.headers[.contentType]?.hasPrefix("text/html") == true)
                    #expect(response.headers[.cacheControl] == "no-cache")
                    #expect(response.headers[.contentSecurityPolicy]?.contains("default-src 'self'; script-src 'self'") == true)
                    #expect(response.headers[.xContentTypeOptions] == "nosniff")
                }
            }
        }
    }

    @Test("Assets may be cached for good; what a client has is not sent again", arguments: Transport.allCases)
    func caching(transport: Transport) async throws {
        try await test(transport) { client in
            let etag = TextBox()
            try await client.execute(uri: "/assets/app-ABCD1234.js", method: .get) { response in
                #expect(response.headers[.cacheControl] == "public, max-age=31536000, immutable")
                await etag.set(response.headers[.eTag] ?? "")
            }
            let known = await etag.value
            #expect(known != "")
            try await client.execute(uri: "/assets/app-ABCD1234.js", method: .get, headers: [.ifNoneMatch: known]) { response in
                #expect(response.status == .notModified)
                #expect(response.body.readableBytes == 0)
            }
        }
    }

    @Test("A file is compressed once, and again when it has changed", arguments: Transport.allCases)
    func compression(transport: Transport) async throws {
        let site = try Site()
        var server = TestServer()
        server.configuration.webRoot = site.path
        try await server.test(transport.setup) { client in
            let tags = TextBox()
            for _ in 0..<2 {
                try await client.execute(uri: "/sw.js", method: .get, headers: [.acceptEncoding: "gzip"]) { response in
                    #expect(response.headers[.contentEncoding] == "gzip")
                    #expect(response.headers[values: .vary].contains("Accept-Encoding"))
                    #expect(gunzip(response.body) == Site.script)
                    await tags.set(response.headers[.eTag] ?? "")
                }
            }
            let tag = await tags.value
            try await client.execute(uri: "/sw.js", method: .get) { response in
                #expect(response.headers[.contentEncoding] == nil)
                #expect(response.headers[values: .vary].contains("Accept-Encoding"))
                #expect(response.headers[.eTag] == tag && tag.hasPrefix("W/"))
                #expect(response.headers[.cacheControl] == "no-cache")
                #expect(String(buffer: response.body) == Site.script)
            }
            let changed = Site.script + "// changed"
            try Data(changed.utf8).write(to: URL(fileURLWithPath: site.path + "/sw.js"))
            try await client.execute(uri: "/sw.js", method: .get, headers: [.acceptEncoding: "gzip", .ifNoneMatch: tag]) { response in
                #expect(response.status == .ok)
                #expect(gunzip(response.body) == changed)
            }
        }
    }

    @Test("A client that has the file is told so, however it says what it has", arguments: Transport.allCases)
    func conditions(transport: Transport) async throws {
        try await test(transport) { client in
            let (tags, dates) = (TextBox(), TextBox())
            try await client.execute(uri: "/sw.js", method: .get) { response in
                await tags.set(response.headers[.eTag] ?? "")
                await dates.set(response.headers[.lastModified] ?? "")
            }
            let (tag, date) = (await tags.value, await dates.value)
            let strong = String(tag.dropFirst(2))
            let old = "Thu, 01 Jan 1970 00:00:00 GMT"
            let cases: [(HTTPFields, HTTPResponse.Status)] = [
                ([.ifNoneMatch: tag], .notModified), ([.ifNoneMatch: "\"x\", \(tag)"], .notModified),
                ([.ifNoneMatch: strong], .notModified),
                ([.ifNoneMatch: "*"], .notModified), ([.ifNoneMatch: "\"x\""], .ok), ([.ifModifiedSince: date], .notModified),
                ([.ifModifiedSince: old], .ok), ([.ifNoneMatch: "\"x\"", .ifModifiedSince: date], .ok),
                ([.ifNoneMatch: tag, .ifModifiedSince: old], .notModified), ([.ifModifiedSince: "yesterday"], .ok),
            ]
            for (headers, status) in cases {
                for method in [HTTPRequest.Method.get, .head] {
                    try await client.execute(uri: "/sw.js", method: method, headers: headers) { response in
                        #expect(response.status == status, "\(headers)")
                        #expect(response.headers[.eTag] == tag)
                        #expect(response.headers[.cacheControl] == "no-cache")
                        #expect(response.headers[values: .vary].contains("Accept-Encoding"))
                        if status == .notModified { #expect(response.body.readableBytes == 0) }
                    }
                }
            }
        }
    }

    @Test(
        "Parts are not served: the whole file is, whatever part is asked for",
        arguments: ["bytes=0-9", "bytes=5-", "bytes=-1", "bytes=99999999999-", "bytes=9223372036854775807-", "bytes=9-1", "lines=1"]
    )
    func ranges(range: String) async throws {
        try await test(.socket) { client in
            try await client.execute(uri: "/sw.js", method: .get, headers: [.range: range]) { response in
                #expect(response.status == .ok)
                #expect(response.headers[.acceptRanges] == nil)
                #expect(String(buffer: response.body) == Site.script)
            }
        }
    }

    @Test("HEAD is GET without the body, also inside a pipeline")
    func head() async throws {
        let site = try Site()
        var server = TestServer()
        server.configuration.webRoot = site.path
        let paths = [
            "/", "/sw.js", "/assets/app-ABCD1234.js", "/chat/42", "/v1/models", "/v1/models/scripted", "/v1/models/none", "/api/health",
            "/api/ready", "/metrics", "/api/sessions", "/none.js", "/v1/chat/completions", "/api/ws/chat",
        ]
        try await server.run { port, _ in
            let client = try await RawConnection(port: port)
            let requests = paths.flatMap { path in ["HEAD", "GET"].map { RawConnection.request($0, path) } }
            try await client.send(requests.joined())
            for path in paths {
                let head = try await client.read(until: "\r\n\r\n")
                let whole = try await client.readResponse()
                #expect(Self.lasting(head) == Self.lasting(whole.head), "\(path)")
                #expect(!whole.body.isEmpty, "\(path)")
            }
            await client.close()
        }
        withExtendedLifetime(site) {}
    }

    /// The lines of a head that do not change from request to request.
    private static func lasting(_ head: String) -> [String] {
        let names = ["http/1.1", "content-type:", "etag:", "last-modified:", "cache-control:", "vary:", "allow:"]
        return head.lowercased().split(separator: "\r\n").map(String.init).filter { line in names.contains { line.hasPrefix($0) } }.sorted()
    }

    @Test("API paths and missing files are never the index", arguments: ["/api/x", "/v1/x", "/v1", "/assets/none.js", "/metrics/x"])
    func notTheIndex(path: String) async throws {
        try await test(.inProcess) { client in
            try await client.execute(uri: path, method: .get) { response in
                #expect(response.status == .notFound)
                #expect(response.headers[.contentType] == "application/json")
            }
        }
    }

    @Test(
        "Paths that try to leave the directory get nothing",
        arguments: ["/../.secret", "/%2e%2e/x.txt", "/..%2f..%2fetc/passwd.txt", "/a%00.html", "/%ff.html", "/assets/..%5c..%5cx.js"]
    )
    func traversal(path: String) async throws {
        try await test(.socket) { client in
            try await client.execute(uri: path, method: .get) { response in
                #expect(response.status == .badRequest || response.status == .notFound)
                #expect(!String(buffer: response.body).contains("secret\n"))
            }
        }
    }

    @Test("Without a web chat, / says so")
    func missing() async throws {
        try await TestServer().test(.router) { client in
            try await client.execute(uri: "/", method: .get) { response in
                #expect(response.status == .ok)
                #expect(String(buffer: response.body).contains("WEB_ROOT"))
            }
        }
    }
}
