import StellarProtocol

/// The parts into which the API's description is divided.
enum APIGroup: String, CaseIterable {
    case generation, tokens, models, webSocket, sessions, keys, state

    /// Heading in English and in Chinese.
    var title: (english: String, chinese: String) {
        switch self {
        case .generation: ("Replies", "生成回复")
        case .tokens: ("Tokens", "词元")
        case .models: ("Models", "模型")
        case .webSocket: ("WebSocket", "WebSocket")
        case .sessions: ("Sessions", "会话")
        case .keys: ("API keys", "API 密钥")
        case .state: ("State of the server", "服务器状态")
        }
    }
}

/// One operation of the API as the description tells it: what goes in, and what may come out.
struct APIOperation {
    /// Who may use an operation while keys are asked for.
    enum Access {
        case everyone, key, admin
    }

    /// What an operation answers when it does what it was asked for.
    struct Answer {
        var status = 200
        var text: String
        /// Content types and the JSON text of their schemas.
        var contents: [(type: String, schema: String)]
        /// Names of response headers.
        var headers: [String] = []

        /// JSON of a named schema.
        static func json(_ schema: String, _ text: String, status: Int = 200, headers: [String] = []) -> Answer {
            Answer(status: status, text: text, contents: [("application/json", Self.reference(schema))], headers: headers)
        }

        /// A text of another type.
        static func text(_ type: String, _ text: String) -> Answer {
            Answer(text: text, contents: [(type, #"{"type":"string"}"#)])
        }

        /// Server-sent events instead, where the request asks for them.
        func streamed(_ chunk: String) -> Answer {
            var answer = self
            answer.text += " With `stream` it comes as server-sent events, each a \(chunk), the last one `[DONE]`."
            let description =
                "data: {\(chunk)}. Lines that begin with a colon are comments: ': queued N' (at least once, and before anything else of the "
                + "generation, where it has to wait for a place), ': prefill N/TOTAL', ': ping'."
            answer.contents.append(("text/event-stream", #"{"type":"string","description":"\#(description)"}"#))
            return answer
        }

        static func reference(_ schema: String) -> String { ##"{"$ref":"#/components/schemas/\##(schema)"}"## }
    }

    var method: String
    /// Behind the prefix; parameters in braces.
    var path: String
    /// In front of `path`: the operation is the same under all of them.
    var prefixes = ["/api", "/v1", ""]
    var name: String
    var group: APIGroup
    var access = Access.key
    var summary: String
    /// Paragraphs are divided by an empty line, `code` by backticks.
    var text = ""
    /// Names of described parameters.
    var parameters: [String] = []
    /// Name of the schema of the body.
    var body: String?
    var answers: [Answer]
    /// Statuses of its errors besides those that every operation may have.
    var errors: [Int] = []

    /// What may happen to every request: HTTP that can't be understood, a host or page that is not allowed, too many headers, our fault.
    private static let commonErrors = [400, 403, 431, 500]

    var allErrors: [Int] {
        (Self.commonErrors + errors + (access == .everyone ? [] : [401])).sorted()
    }

    /// The operation object of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0#operation-object).
    func json(prefix: String) throws(APIError) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("operationId", .string(prefix == prefixes.first ? name : name + (prefix.isEmpty ? "_root" : "_\(prefix.dropFirst())"))),
            .init("tags", .array([.string(group.title.english)])),
            .init("summary", .string(summary)),
        ]
        if !text.isEmpty { members.append(.init("description", .string(text))) }
        if !parameters.isEmpty { members.append(.init("parameters", .array(parameters.map { Self.reference("parameters", $0) }))) }
        if let body {
            let content = JSONValue.object([
                .init("application/json", .object([.init("schema", Self.reference("schemas", body))]))
            ])
            members.append(.init("requestBody", .object([.init("required", .bool(true)), .init("content", content)])))
        }
        if access == .everyone { members.append(.init("security", .array([]))) }
        members.append(.init("responses", .object(try responses())))
        return .object(members)
    }

    private func responses() throws(APIError) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        for answer in answers {
            var contents: [JSONValue.Member] = []
            for content in answer.contents {
                let schema = try JSONCoding.decode(JSONValue.self, from: content.schema.utf8)
                contents.append(.init(content.type, .object([.init("schema", schema)])))
            }
            var object: [JSONValue.Member] = [.init("description", .string(answer.text))]
            if !answer.headers.isEmpty {
                object.append(.init("headers", .object(answer.headers.map { .init($0, Self.reference("headers", $0)) })))
            }
            if !contents.isEmpty { object.append(.init("content", .object(contents))) }
            members.append(.init(String(answer.status), .object(object)))
        }
        let answered = Set(answers.map(\.status))
        for status in allErrors where !answered.contains(status) {
            members.append(.init(String(status), Self.reference("responses", "Error\(status)")))
        }
        return members
    }

    private static func reference(_ kind: String, _ name: String) -> JSONValue {
        .object([.init("$ref", .string("#/components/\(kind)/\(name)"))])
    }
}
