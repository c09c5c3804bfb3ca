import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import StellarProtocol
import StellarServer
import Testing

@Suite("Requests for sessions", .timeLimit(.minutes(20)))
struct SessionRequestTests {
    private func server() throws -> TestServer {
        var server = TestServer()
        server.storage = try TestStorage()
        return server
    }

    private func value(_ response: TestResponse) throws -> JSONValue {
        try JSONCoding.decode(JSONValue.self, from: response.body.readableBytesView)
    }

    @Test("A stored reply is in the database when its answer comes", arguments: Transport.allCases, ["false", "true"])
    func stored(transport: Transport, stream: String) async throws {
        let body = RequestTests.body("hi", more: #","stream":\#(stream)"#)
        try await server().test(transport.setup) { client in
            let uri = "/v1/chat/completions?session_id=s&user_message_id=u&message_id=m"
            try await client.execute(uri: uri, method: .post, body: body) { response in
                #expect(response.status == .ok)
                #expect(HTTPField.Name("x-message-id").map { response.headers[$0] } == "m")
            }
            try await client.execute(uri: "/api/sessions/s/history", method: .get) { response in
                let messages = try #require(try value(response)["data"]?.array)
                #expect(messages.map { $0["content"] } == [.string("hi"), .string("Hello, world")])
                #expect(messages.map { $0["state"] } == [.string("complete"), .string("complete")])
            }
        }
    }

    @Test("A reply that breaks is stored as failed, one that can't start is not stored", arguments: Transport.allCases)
    func broken(transport: Transport) async throws {
        try await server().test(transport.setup) { client in
            let broken = RequestTests.body("broken", more: #","stream":true"#)
            try await client.execute(uri: "/v1/chat/completions?session_id=s", method: .post, body: broken) { _ in }
            try await client.execute(uri: "/api/sessions/s/history", method: .get) { response in
                let reply = try value(response)["data"]?.array?.last
                #expect(reply?["state"] == .string("failed") && reply?["content"] == .string("some text"))
            }
            try await client.execute(uri: "/v1/chat/completions?session_id=t", method: .post, body: RequestTests.body("full")) { response in
                #expect(response.status == .serviceUnavailable)
            }
            try await client.execute(uri: "/api/sessions/t", method: .get) { #expect($0.status == .notFound) }
        }
    }

    @Test("Chat goes on while the database can't be written", arguments: Transport.allCases)
    func withoutDatabase(transport: Transport) async throws {
        let server = try server()
        let storage = try #require(server.storage)
        try await storage.database.forbidWriting(true)
        try await server.test(transport.setup) { client in
            let uri = "/v1/chat/completions?session_id=s"
            try await client.execute(uri: uri, method: .post, body: RequestTests.body("hi")) { response in
                #expect(response.status == .ok)
                #expect(HTTPField.Name("x-session-id").flatMap { response.headers[$0] } == nil)
            }
            try await client.execute(uri: "/api/sessions", method: .post, body: ByteBuffer(string: "{}")) { response in
                #expect(response.status == .serviceUnavailable)
                let document = try value(response)
                #expect(document["error"]?["code"] == .string("storage_unavailable"))
            }
        }
    }

    @Test("Other methods are answered by 405 with what is possible", arguments: Transport.allCases)
    func methods(transport: Transport) async throws {
        try await server().test(transport.setup) { client in
            try await client.execute(uri: "/api/sessions/s", method: .put) { response in
                #expect(response.status == .methodNotAllowed)
                #expect(response.headers[.allow] == "DELETE, GET, HEAD, PATCH")
            }
        }
    }

    @Test("Keys are asked for as soon as there are any", arguments: Transport.allCases)
    func keys(transport: Transport) async throws {
        var server = try server()
        server.configuration.access.keys = try await KeyRing.load(
            configured: [ConfiguredKey("user-key"), ConfiguredKey("admin-key", isAdmin: true)],
            store: server.storage?.keys
        )
        try await server.test(transport.setup) { client in
            try await client.execute(uri: "/v1/models", method: .get) { response in
                #expect(response.status == .unauthorized)
                #expect(response.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
                let document = try value(response)
                #expect(document["error"]?["code"] == .string("invalid_api_key"))
            }
            for path in ["/api/health", "/"] {
                try await client.execute(uri: path, method: .get) { #expect($0.status == .ok) }
            }
            let admin: HTTPFields = [.authorization: "Bearer admin-key"]
            let made = try await client.execute(
                uri: "/api/api-keys",
                method: .post,
                headers: admin,
                body: ByteBuffer(string: #"{"name":"n"}"#)
            ) { response in
                #expect(response.status == .created)
                return try value(response)
            }
            let key = try #require(made["key"]?.string)
            let id = try #require(made["id"]?.string)
            let own: HTTPFields = [.authorization: "Bearer \(key)"]
            try await client.execute(uri: "/v1/models", method: .get, headers: own) { #expect($0.status == .ok) }
            try await client.execute(uri: "/api/api-keys", method: .get, headers: own) { #expect($0.status == .forbidden) }
            try await client.execute(uri: "/api/api-keys/\(id)/deactivate", method: .post, headers: admin) { #expect($0.status == .ok) }
            try await client.execute(uri: "/v1/models", method: .get, headers: own) { #expect($0.status == .unauthorized) }
        }
    }
}

extension JSONValue {
    fileprivate var array: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }
}
