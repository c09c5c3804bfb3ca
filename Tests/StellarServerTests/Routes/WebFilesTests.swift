import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import StellarServer
import Testing

@Suite("Web chat files", .timeLimit(.minutes(1)))
struct WebFilesTests {
    /// A directory with a small web chat, removed with the value.
    private final class Site: Sendable {
        let path: String

        init() throws {
            path = FileManager.default.temporaryDirectory.appendingPathComponent("web-\(UUID())").path
            try FileManager.default.createDirectory(atPath: path + "/assets", withIntermediateDirectories: true)
            try Data("<!doctype html>index".utf8).write(to: URL(fileURLWithPath: path + "/index.html"))
            try Data("js".utf8).write(to: URL(fileURLWithPath: path + "/assets/app-ABCD1234.js"))
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
