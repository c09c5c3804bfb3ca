import Foundation
import ServiceLifecycle
import StellarProtocol
import StellarServer
import Testing

@Suite("Connections", .timeLimit(.minutes(20)))
struct ConnectionTests {
    private static func chat(_ word: String, stream: Bool = false, headers: [String] = []) -> String {
        RawConnection.request(
            "POST",
            "/v1/chat/completions",
            headers: headers,
            body: #"{"messages":[{"role":"user","content":"\#(word)"}],"stream":\#(stream)}"#
        )
    }

    @Test("A client that leaves a stream ends its generation")
    func leavingStream() async throws {
        let server = TestServer()
        try await server.run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send(Self.chat("endless", stream: true))
            let head = try await client.read(until: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(head.lowercased().contains("transfer-encoding: chunked"))
            _ = try await client.read(until: #""content":"x""#)
            #expect(server.backend.seen.cancelled == 0)
            await client.close()
            try await server.backend.until { $0.cancelled == 1 }
        }
    }

    @Test("A client that leaves ends its generation while nothing is sent to it yet", arguments: [true, false])
    func leavingSilence(stream: Bool) async throws {
        let server = TestServer()
        try await server.run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send(Self.chat("silent", stream: stream))
            try await server.backend.until { $0.started == 1 }
            await client.close()
            try await server.backend.until { $0.cancelled == 1 }
        }
    }

    @Test("Silence in a stream is filled with comments")
    func keepAlive() async throws {
        var server = TestServer()
        server.configuration.keepAlive = .milliseconds(20)
        try await server.run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send(Self.chat("silent", stream: true))
            _ = try await client.read(until: "\r\n\r\n")
            _ = try await client.read(until: ": ping\n\n")
            _ = try await client.read(until: ": ping\n\n")
            await client.close()
        }
    }

    @Test("A connection serves one request after the other, also pipelined ones, streams too")
    func persistence() async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send(Self.chat("hi") + Self.chat("hi"))
            for _ in 0..<2 { #expect(try await client.readResponse().body.contains("Hello, world")) }
            try await client.send(Self.chat("hi", stream: true))
            _ = try await client.read(until: "data: [DONE]\n\n")
            _ = try await client.read(until: "0\r\n\r\n")
            try await client.send(RawConnection.request("GET", "/v1/models"))
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 200"))
            await client.close()
        }
    }

    @Test("Pipelined requests are answered in their order, however long each takes")
    func order() async throws {
        let server = TestServer()
        try await server.run { port, _ in
            let client = try await RawConnection(port: port)
            // The first one waits, while all that follow could be answered at once.
            let following = ["/v1/models", "/v1/none", "/v1/models/scripted", "/api/ready"]
            let requests = [Self.chat("slow"), Self.chat("hi", stream: true)] + following.map { RawConnection.request("GET", $0) }
            try await client.send(requests.joined())
            try await server.backend.until { $0.started == 1 }
            server.backend.release()
            #expect(try await client.readResponse().body.contains("chat.completion"))
            let stream = try await client.read(until: "0\r\n\r\n")
            #expect(stream.contains("text/event-stream") && stream.contains("data: [DONE]"))
            #expect(try await client.readResponse().body.contains(#""object":"list""#))
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 404"))
            #expect(try await client.readResponse().body.contains(#""object":"model""#))
            #expect(try await client.readResponse().body.contains("ready"))
            await client.close()
        }
    }

    @Test("A request that comes byte by byte, and one whose body nobody reads, leave the next ones whole")
    func pieces() async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            for byte in Self.chat("hi").utf8 { try await client.send([byte]) }
            #expect(try await client.readResponse().body.contains("Hello, world"))
            let unread = RawConnection.request("POST", "/v1/none", body: String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 500))
            try await client.send(unread + Self.chat("hi"))
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 404"))
            #expect(try await client.readResponse().body.contains("Hello, world"))
            await client.close()
        }
    }

    @Test("Too large a body is refused while it is still being sent, and the refusal arrives")
    func tooLarge() async throws {
        let server = TestServer()
        try await server.run { port, _ in
            let client = try await RawConnection(port: port)
            let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\nContent-Length: 10485760\r\n\r\n"
            try await client.send(head)
            let body = Task { for _ in 0..<160 { try await client.send([UInt8](repeating: 32, count: 65536)) } }
            let response = try await client.readResponse()
            #expect(response.head.hasPrefix("HTTP/1.1 413"))
            #expect(response.head.lowercased().contains("connection: close"))
            #expect(response.body.contains("request_too_large"))
            _ = try? await body.value
            #expect(await client.readToEnd() == "")
        }
    }

    @Test("A body without a length is counted as it comes")
    func tooLargeChunked() async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
            let body = Task {
                for _ in 0..<64 {
                    try await client.send(Array("8000\r\n".utf8) + [UInt8](repeating: 32, count: 0x8000) + Array("\r\n".utf8))
                }
            }
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 413"))
            _ = try? await body.value
            _ = await client.readToEnd()
        }
    }

    @Test("A body is asked for where the client waits for that")
    func expectContinue() async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            let body = #"{"messages":[{"role":"user","content":"hi"}]}"#
            try await client.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\nExpect: 100-continue\r\n\r\n"
            )
            #expect(try await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue"))
            try await client.send(body)
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 200"))
            let other = try await RawConnection(port: port)
            try await other.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\nContent-Length: 10485760\r\nExpect: 100-continue\r\n\r\n"
            )
            #expect(try await other.readResponse().head.hasPrefix("HTTP/1.1 413"))
            await client.close()
            await other.close()
        }
    }

    @Test("Connection: close and HTTP/1.0 are honoured", arguments: ["HTTP/1.1\r\nConnection: Close", "HTTP/1.0"])
    func closing(version: String) async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send("GET /v1/models \(version)\r\nHost: test\r\n\r\n")
            let answer = await client.readToEnd()
            #expect(answer.contains(" 200 OK"))
            #expect(answer.hasSuffix("}"))
        }
    }

    @Test("A stream to an HTTP/1.0 client is not chunked")
    func oldStream() async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            let body = #"{"messages":[{"role":"user","content":"hi"}],"stream":true}"#
            try await client.send("POST /v1/chat/completions HTTP/1.0\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let answer = await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.0 200"))
            #expect(answer.hasSuffix("data: [DONE]\n\n"))
        }
    }

    @Test("An offer to upgrade that is not ours is answered as plain HTTP", arguments: ["h2c", "websocket", "TLS/1.3, foo"])
    func foreignUpgrade(name: String) async throws {
        try await TestServer().run { port, _ in
            let headers = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: \(name)", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"]
            let first = try await RawConnection(port: port)
            try await first.send(RawConnection.request("GET", "/v1/models", headers: headers))
            let answer = await first.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(answer.lowercased().contains("connection: close"))
            let second = try await RawConnection(port: port)
            try await second.send(Self.chat("hi", headers: headers))
            #expect(await second.readToEnd().contains("Hello, world"))
            let third = try await RawConnection(port: port)
            try await third.send(RawConnection.request("GET", "/v1/models"))
            _ = try await third.readResponse()
            try await third.send(Self.chat("hi", headers: headers))
            #expect(await third.readToEnd().contains("Hello, world"))
        }
    }

    @Test(
        "What is no HTTP is refused and does not hurt the server",
        arguments: [
            "\r\n\r\n\u{0}\u{1}\u{2}", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "GET / HTTP/1.1\r\nBad Header : x\r\n\r\n",
        ]
    )
    func notHTTP(text: String) async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send(text + "\r\n\r\n")
            let answer = await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            let other = try await RawConnection(port: port)
            try await other.send(RawConnection.request("GET", "/v1/models"))
            #expect(try await other.readResponse().head.hasPrefix("HTTP/1.1 200"))
            await other.close()
        }
    }

    @Test(
        "A request without exactly one Host is refused; a whole URI as target overrules it",
        arguments: [
            ("/v1/models", [], 400), ("/v1/models", ["Host: localhost", "Host: evil.example"], 400),
            ("/v1/models", ["Host: evil.example", "Host: localhost"], 400), ("/v1/models", ["Host: localhost"], 200),
            ("/v1/models", ["Host: evil.example"], 403), ("http://localhost/v1/models", ["Host: evil.example"], 200),
            ("http://localhost?x", ["Host: localhost"], 200), ("HTTP://evil.example:80/v1/models", ["Host: localhost"], 403),
        ] as [(String, [String], Int)]
    )
    func hosts(target: String, headers: [String], status: Int) async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            // The one before is answered all the same.
            let request = (["GET \(target) HTTP/1.1"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
            try await client.send(RawConnection.request("GET", "/v1/models") + request)
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 200"))
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 \(status)"))
            await client.close()
        }
    }

    @Test(
        "A body that is no HTTP is refused in JSON, and the connection ends",
        arguments: ["Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n", "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc\r\n"]
    )
    func brokenBody(rest: String) async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\n\(rest)")
            let answer = await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 400") && answer.contains(#""code":"bad_request""#))
        }
    }

    @Test("Endless headers are refused")
    func largeHeaders() async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: test\r\nX: " + String(repeating: "a", count: 100_000) + "\r\n\r\n")
            #expect(await client.readToEnd().hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test("On shutdown a running stream may finish, and idle connections are closed")
    func draining() async throws {
        let server = TestServer(backend: WordBackend { word in word == "slow" ? .slow : .pieces(["x"]) })
        try await server.run { port, group in
            let fresh = try await RawConnection(port: port)
            let idle = try await RawConnection(port: port)
            try await idle.send(RawConnection.request("GET", "/v1/models"))
            _ = try await idle.readResponse()
            let busy = try await RawConnection(port: port)
            try await busy.send(Self.chat("slow", stream: true))
            _ = try await busy.read(until: #""content":"a""#)
            await group.triggerGracefulShutdown()
            #expect(await fresh.readToEnd() == "")
            #expect(await idle.readToEnd() == "")
            server.backend.release()
            #expect(await busy.readToEnd().contains("data: [DONE]\n\n"))
            #expect(server.backend.seen.cancelled == 0)
        }
    }
}
