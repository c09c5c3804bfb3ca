import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import StellarServer
import Testing

@Suite("Metrics of the server", .timeLimit(.minutes(20)))
struct MetricsRouteTests {
    private func scrape(_ server: TestServer) async throws -> String {
        let text = TextBox()
        try await server.test(.router) { client in
            for body in ["hi", "broken", "full"] {
                let json = #"{"messages":[{"role":"user","content":"\#(body)"}]}"#
                _ = try await client.execute(uri: "/v1/chat/completions", method: .post, body: ByteBuffer(string: json)) { $0 }
            }
            _ = try await client.execute(uri: "/nowhere/\(UUID())", method: .get) { $0 }
            _ = try await client.execute(uri: "/v1/models/a", method: HTTPRequest.Method("BREW") ?? .get) { $0 }
            try await client.execute(uri: "/metrics", method: .get) { response in
                #expect(response.status == .ok)
                #expect(response.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
                await text.set(String(buffer: response.body))
            }
        }
        return await text.value
    }

    @Test("Requests are counted by route template and engine figures by model")
    func series() async throws {
        let text = try await scrape(TestServer())
        #expect(text.contains(#"api_requests_total{endpoint="/v1/chat/completions",method="POST",status="200"} 1"#))
        #expect(text.contains(#"api_requests_total{endpoint="/v1/chat/completions",method="POST",status="503"} 1"#))
        #expect(text.contains(#"api_requests_total{endpoint="unmatched",method="GET",status="404"} 1"#))
        #expect(text.contains(#"api_requests_total{endpoint="unmatched",method="other",status="404"} 1"#))
        #expect(text.contains(#"stellar_requests_rejected_total{reason="queue_full"} 1"#))
        #expect(text.contains(#"stellar_request_finished_total{model="scripted",reason="stop"} 1"#))
        #expect(text.contains(#"stellar_prompt_tokens_total{model="scripted"} 7"#))
        #expect(text.contains(#"stellar_cached_prompt_tokens_total{model="scripted"} 2"#))
        #expect(text.contains(#"stellar_generation_tokens_total{model="scripted"} 3"#))
        #expect(text.contains(#"stellar_kv_cache_usage_ratio{model="scripted"} 0.25"#))
        #expect(text.contains(#"stellar_build_info{version="\#(BuildInformation.version)"} 1"#))
        #expect(text.contains("stellar_websocket_connections 0"))
        #if os(Linux)
            for name in ["resident_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds", "start_time_seconds", "threads"] {
                #expect(text.contains("\nprocess_\(name) "))
            }
        #endif
    }

    private static let promtool = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    @Test("promtool finds nothing to say", .enabled(if: promtool != nil, "promtool is not installed"))
    func promtoolCheck() async throws {
        let text = try await scrape(TestServer())
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.promtool))
        process.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let complaints = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(complaints == "")
        #expect(process.terminationStatus == 0)
    }
}

/// Carries a text out of a client's closure.
actor TextBox {
    private(set) var value = ""

    func set(_ text: String) { value = text }
}
