import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import StellarServer
import Testing

@Suite("Compression", .timeLimit(.minutes(20)))
struct CompressionTests {
    private static let long = (0..<600).map { "word \($0) " }

    /// Answers `long` with much text, `huge` with more than the event loop compresses, and all else with a little.
    private static func server() -> TestServer {
        TestServer(
            backend: WordBackend { word in
                switch word {
                case "long": .pieces(long)
                case "huge": .pieces(Array(repeating: long, count: 20).flatMap { $0 })
                default: .pieces(["short"])
                }
            }
        )
    }

    private static func ask(
        _ client: any TestClientProtocol,
        _ word: String,
        accepting coding: String? = "gzip",
        more: String = "",
        _ check: @escaping @Sendable (TestResponse) async throws -> Void
    ) async throws {
        var headers = HTTPFields()
        headers[.acceptEncoding] = coding
        let body = RequestTests.body(word, more: more)
        try await client.execute(uri: "/v1/chat/completions", method: .post, headers: headers, body: body, testCallback: check)
    }

    @Test("A long JSON answer is compressed for those who take gzip", arguments: Transport.allCases, ["long", "huge"])
    func json(transport: Transport, word: String) async throws {
        try await Self.server().test(transport.setup) { client in
            let plain = TextBox()
            try await Self.ask(client, word, accepting: nil) { response in
                #expect(response.headers[.contentEncoding] == nil)
                #expect(response.headers[values: .vary].contains("Accept-Encoding"))
                await plain.set(String(buffer: response.body))
            }
            try await Self.ask(client, word, accepting: "deflate, gzip, br") { response in
                #expect(response.headers[.contentEncoding] == "gzip")
                #expect(response.headers[.contentType] == "application/json")
                #expect(response.headers[values: .vary].contains("Accept-Encoding"))
                #expect(response.headers[.contentLength] == String(response.body.readableBytes))
                let text = try #require(gunzip(response.body))
                #expect(text.contains("word 599"))
                #expect(await plain.value.contains("word 599"))
                #expect(response.body.readableBytes < text.utf8.count / 2)
            }
        }
    }

    @Test(
        "The client's word counts",
        arguments: [
            ("gzip", true), ("gzip;q=0", false), ("deflate, GZIP ; q=0.5", true), ("*", true), ("*;q=0", false), ("identity", false),
            ("gzip;q=x", false), ("br, *;q=0.1, gzip;q=0", false), ("", false), (";;,,;q=", false), ("x-gzip", true),
        ]
    )
    func accepted(coding: String, isCompressed: Bool) async throws {
        try await Self.server().test(.router) { client in
            try await Self.ask(client, "long", accepting: coding) { response in
                #expect((response.headers[.contentEncoding] == "gzip") == isCompressed)
            }
        }
    }

    @Test("Short answers and streams are left as they are", arguments: Transport.allCases)
    func untouched(transport: Transport) async throws {
        try await Self.server().test(transport.setup) { client in
            try await Self.ask(client, "short") { response in
                #expect(response.headers[.contentEncoding] == nil)
                #expect(String(buffer: response.body).contains("short"))
            }
            try await Self.ask(client, "long", more: #","stream":true"#) { response in
                #expect(response.headers[.contentEncoding] == nil)
                #expect(!response.headers[values: .vary].contains("Accept-Encoding"))
                #expect(String(buffer: response.body).hasSuffix("data: [DONE]\n\n"))
            }
        }
    }

    @Test("Answers depend on Origin where there is a list of origins, and say so")
    func vary() async throws {
        for (origins, expected) in [(["https://chat.example"], true), (["*"], false), ([], false)] {
            var server = TestServer()
            server.configuration.allowedOrigins = origins
            try await server.test(.router) { client in
                try await client.execute(uri: "/v1/models", method: .get) { response in
                    #expect(response.headers[values: .vary].contains("Origin") == expected)
                }
            }
        }
    }
}
