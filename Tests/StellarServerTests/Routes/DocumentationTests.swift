import HTTPTypes
import Hummingbird
import HummingbirdTesting
import StellarProtocol
import StellarServer
import Testing

@Suite("Description of the API", .timeLimit(.minutes(20)))
struct DocumentationTests {
    private static func fetch(_ path: String) async throws -> (text: String, type: String?) {
        var configured = TestServer()
        configured.configuration.webRoot = nil
        let answer = Answer()
        try await configured.test(.live) { client in
            try await client.execute(uri: path, method: .get) { response in
                #expect(response.status == .ok)
                await answer.set(String(buffer: response.body), response.headers[.contentType])
            }
        }
        return (await answer.text, await answer.type)
    }

    private actor Answer {
        var text = ""
        var type: String?

        func set(_ text: String, _ type: String?) {
            self.text = text
            self.type = type
        }
    }

    private static func document(_ path: String = "/api/openapi.json") async throws -> JSONValue {
        try JSONCoding.decode(JSONValue.self, from: try await fetch(path).text.utf8)
    }

    private static func members(_ value: JSONValue?) throws -> [JSONValue.Member] {
        guard case .object(let members) = try #require(value) else { return [] }
        return members
    }

    /// Every value in a document.
    private static func visit(_ value: JSONValue, _ body: (JSONValue) throws -> Void) rethrows {
        try body(value)
        switch value {
        case .array(let values): for value in values { try visit(value, body) }
        case .object(let members): for member in members { try visit(member.value, body) }
        default: break
        }
    }

    @Test("It has every route of the server and no other")
    func complete() async throws {
        let document = try await Self.document()
        var described: Set<String> = []
        for path in try Self.members(document["paths"]) {
            for method in try Self.members(path.value) { described.insert("\(method.key.uppercased()) \(path.key)") }
        }
        #expect(described == TestServer().server.operations.union(["GET /"]))
        #expect(document["openapi"]?.string == "3.1.0")
    }

    @Test("Operations have names of their own, and every reference leads somewhere")
    func references() async throws {
        let document = try await Self.document()
        var names: [String] = []
        for path in try Self.members(document["paths"]) {
            for method in try Self.members(path.value) {
                names.append(try #require(method.value["operationId"]?.string))
                let responses = try Self.members(method.value["responses"])
                #expect(!responses.isEmpty)
                #expect(Set(responses.map(\.key)).count == responses.count)
            }
        }
        #expect(Set(names).count == names.count)
        Self.visit(document) { value in
            guard let reference = value["$ref"]?.string else { return }
            let target = reference.split(separator: "/").dropFirst().reduce(Optional(document)) { $0?[String($1)] }
            #expect(target != nil, "\(reference)")
        }
    }

    @Test("It is the same under both prefixes", arguments: ["/v1/openapi.json"])
    func prefixes(path: String) async throws {
        #expect(try await Self.document(path) == Self.document())
    }

    @Test("The page names every operation and loads nothing from elsewhere", arguments: ["/api/docs", "/v1/docs"])
    func page(path: String) async throws {
        let page = try await Self.fetch(path)
        #expect(page.type == "text/html; charset=utf-8")
        for operation in TestServer().server.operations where operation.contains(" /api/") {
            let parts = operation.split(separator: " ")
            #expect(page.text.contains("<code>\(parts[1])</code>"), "\(operation)")
        }
        #expect(!page.text.contains("://"))
        #expect(!page.text.contains("<script") && !page.text.contains("style="))
        #expect(page.text.contains("href=\"docs.css\""))
        #expect(try await Self.fetch(path + ".css").type == "text/css; charset=utf-8")
    }
}
