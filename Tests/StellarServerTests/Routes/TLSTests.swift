import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import StellarProtocol
import StellarServer
import Testing

@Suite("TLS", .timeLimit(.minutes(20)))
struct TLSTests {
    private let certificate: TestCertificate
    private let der: [UInt8]
    private let identity: TLSIdentity
    private let server: TestServer

    init() throws {
        certificate = try TestCertificate()
        der = try certificate.renew()
        identity = try TLSIdentity(certificate.files)
        var server = TestServer()
        server.configuration.tls = identity
        self.server = server
    }

    private static func chat(_ word: String, stream: Bool = false, headers: [String] = []) -> String {
        let body = #"{"messages":[{"role":"user","content":"\#(word)"}],"stream":\#(stream)}"#
        return RawConnection.request("POST", "/v1/chat/completions", headers: headers, body: body)
    }

    @Test("Requests are answered, also pipelined ones, and the server stops with the connection still open", arguments: [false, true])
    func requests(isOld: Bool) async throws {
        try await server.run { [der] port, _ in
            let shown = ShownCertificate()
            let version: TLSVersion = isOld ? .tlsv12 : .tlsv13
            let client = try await RawConnection.encrypted(port: port, from: version, to: version, shown: shown)
            try await client.send(Self.chat("hi") + RawConnection.request("GET", "/v1/models") + RawConnection.request("GET", "/v1/none"))
            #expect(try await client.readResponse().body.contains("Hello, world"))
            #expect(try await client.readResponse().body.contains(#""object":"list""#))
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 404"))
            #expect(shown.der == der)
        }
    }

    @Test("Clients that offer HTTP/2 get it: whole answers, streams, and a reset that ends the generation")
    func http2() async throws {
        try await server.run { port, _ in
            var configuration = HTTPClient.Configuration()
            configuration.tlsConfiguration = .makeClientConfiguration()
            configuration.tlsConfiguration?.certificateVerification = .none
            try await HTTPClient.withHTTPClient(configuration: configuration) { client in
                func post(_ word: String, stream: Bool) async throws -> HTTPClientResponse {
                    var request = HTTPClientRequest(url: "https://127.0.0.1:\(port)/v1/chat/completions")
                    request.method = .POST
                    request.body = .bytes(ByteBuffer(string: #"{"messages":[{"role":"user","content":"\#(word)"}],"stream":\#(stream)}"#))
                    return try await client.execute(request, deadline: .now() + .hours(1))
                }
                for stream in [false, true] {
                    let response = try await post("hi", stream: stream)
                    #expect(response.version == .http2 && response.status == .ok)
                    let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
                    #expect(stream ? text.hasSuffix("data: [DONE]\n\n") : text.contains("Hello, world"))
                }
                // Leaving the loop drops the stream, which resets it; the connection stays.
                for try await part in try await post("endless", stream: true).body where String(buffer: part).contains("x") { break }
                try await server.backend.until { $0.cancelled == 1 }
                #expect(try await post("hi", stream: false).version == .http2)
            }
        }
    }

    @Test("Versions before 1.2 are refused, and the server goes on")
    func oldVersion() async throws {
        try await server.run { port, _ in
            let old = try await RawConnection.encrypted(port: port, from: .tlsv1, to: .tlsv11)
            await #expect(throws: (any Error).self) {
                try await old.send(RawConnection.request("GET", "/v1/models"))
                _ = try await old.readResponse()
            }
            let client = try await RawConnection.encrypted(port: port)
            try await client.send(RawConnection.request("GET", "/v1/models"))
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 200"))
            await client.close()
        }
    }

    @Test("What is not encrypted gets no answer")
    func clear() async throws {
        try await server.run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send(RawConnection.request("GET", "/v1/models"))
            #expect(await !client.readToEnd().contains("HTTP/1.1"))
        }
    }

    @Test("A last answer is whole, and the connection ends in order")
    func lastAnswer() async throws {
        try await server.run { port, _ in
            let client = try await RawConnection.encrypted(port: port)
            try await client.send(Self.chat("hi", headers: ["Connection: close"]))
            let answer = await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.contains("Hello, world") && answer.hasSuffix("}"))
        }
    }

    @Test("A client that leaves a stream ends its generation")
    func leaving() async throws {
        try await server.run { port, _ in
            let client = try await RawConnection.encrypted(port: port)
            try await client.send(Self.chat("endless", stream: true))
            _ = try await client.read(until: #""content":"x""#)
            await client.close()
            try await server.backend.until { $0.cancelled == 1 }
        }
    }

    @Test("A WebSocket is encrypted too")
    func webSocket() async throws {
        try await server.run { port, _ in
            let client = try await WebSocketClient(over: RawConnection.encrypted(port: port))
            guard case .sessionStart = try await client.readEvent().payload else { throw RawConnection.Ended() }
            try await client.send(#"{"type":"chat.message","content":"hi"}"#)
            let events = try await client.readEvents(until: { $0 == .messageStop })
            #expect(events.contains(.contentBlockStart(index: 0)))
            await client.connection.close()
        }
    }

    @Test("New connections get a renewed certificate; open ones go on; a broken file changes nothing")
    func reload() async throws {
        try await server.run { [der] port, _ in
            let (before, after, later) = (ShownCertificate(), ShownCertificate(), ShownCertificate())
            let first = try await RawConnection.encrypted(port: port, shown: before)
            try await first.send(RawConnection.request("GET", "/v1/models"))
            _ = try await first.readResponse()
            let renewed = try certificate.renew()
            try identity.reload()
            let second = try await RawConnection.encrypted(port: port, shown: after)
            try await second.send(RawConnection.request("GET", "/v1/models"))
            #expect(try await second.readResponse().head.hasPrefix("HTTP/1.1 200"))
            try await first.send(RawConnection.request("GET", "/v1/models"))
            #expect(try await first.readResponse().head.hasPrefix("HTTP/1.1 200"))
            try certificate.write("-----BEGIN CERTIFICATE-----\nbroken", to: certificate.files.certificate)
            #expect(throws: SettingsError.self) { try identity.reload() }
            let third = try await RawConnection.encrypted(port: port, shown: later)
            try await third.send(RawConnection.request("GET", "/v1/models"))
            #expect(try await third.readResponse().head.hasPrefix("HTTP/1.1 200"))
            #expect(before.der == der && after.der == renewed && later.der == renewed)
        }
    }
}
