import StellarProtocol

/// The description of the API in OpenAPI 3.1, put together from ``APIOperation/all`` and ``APISchemas``.
///
/// Source: https://spec.openapis.org/oas/v3.1.0.
enum APIDescription {
    /// Errors that an operation may answer with, beside its own answers.
    private static let errors: [(status: Int, text: String, headers: [String])] = [
        (400, "The request is wrong, or asks for what this server can't do. `param` names the field.", []),
        (401, "Keys are asked for, and there is none, or a wrong one.", ["www-authenticate"]),
        (403, "A page of another origin asks, the host is not allowed, or the key is not an admin's.", []),
        (404, "There is no such model, session, message or key.", []),
        (409, "The id is taken, or the message is still being generated.", []),
        (413, "The body is larger than the server takes.", []),
        (426, "A WebSocket handshake was expected.", ["upgrade", "sec-websocket-version"]),
        (429, "A rate limit is reached.", ["retry-after"]),
        (431, "The headers are too large.", []),
        (500, "Our fault. The server's log says more under the request's id.", []),
        (503, "Not now: the model is read, the queue is full, the server stops, or there is no database.", ["retry-after"]),
        (504, "The reply took longer than `REQUEST_TIMEOUT` or `timeout`.", ["x-should-retry"]),
    ]

    private static let text = """
        Requests and answers are JSON in UTF-8. Every answer has an `x-request-id`, the one of the request if it has one. Errors have one \
        shape everywhere: see `Error`. A field that is `null` counts as absent, and unknown fields are ignored. What a body claims to be \
        (`Content-Type`) does not matter. `HEAD` works wherever `GET` does. A path that does not exist is 404 `not_found`, a method that a \
        path does not have is 405 `method_not_allowed` with `Allow`.

        Programs made for the OpenAI API use `/v1` as their base URL. While no API key is set none is needed, and any is accepted.
        """

    /// The document, parsed.
    static func document() throws(APIError) -> JSONValue {
        .object([
            .init("openapi", .string("3.1.0")),
            .init(
                "info",
                .object([
                    .init("title", .string("StellarChat")),
                    .init("version", .string(BuildInformation.version)),
                    .init("description", .string(text)),
                ])
            ),
            .init("servers", .array([.object([.init("url", .string("/"))])])),
            // The empty requirement: a server without keys asks for none.
            .init("security", try parsed(#"[{"bearer":[]},{"apiKeyHeader":[]},{}]"#)),
            .init("tags", .array(APIGroup.allCases.map(tag))),
            .init("paths", .object(try paths())),
            .init("components", try components()),
        ])
    }

    private static func tag(_ group: APIGroup) -> JSONValue {
        .object([
            .init("name", .string(group.title.english)),
            .init("description", .string("\(group.title.english) · \(group.title.chinese)")),
        ])
    }

    private static func paths() throws(APIError) -> [JSONValue.Member] {
        var items: [JSONValue.Member] = []
        for operation in APIOperation.all {
            for prefix in operation.prefixes {
                let member = JSONValue.Member(operation.method.lowercased(), try operation.json(prefix: prefix))
                let path = prefix + operation.path
                if let index = items.firstIndex(where: { $0.key == path }), case .object(let methods) = items[index].value {
                    items[index].value = .object(methods + [member])
                } else {
                    items.append(.init(path, .object([member])))
                }
            }
        }
        return items
    }

    private static func components() throws(APIError) -> JSONValue {
        var responses: [JSONValue.Member] = []
        for error in errors {
            let headers = error.headers.map { JSONValue.Member($0, .object([.init("$ref", .string("#/components/headers/\($0)"))])) }
            var members = [JSONValue.Member("description", .string(error.text))]
            if !headers.isEmpty { members.append(.init("headers", .object(headers))) }
            members.append(.init("content", try parsed(##"{"application/json":{"schema":{"$ref":"#/components/schemas/Error"}}}"##)))
            responses.append(.init("Error\(error.status)", .object(members)))
        }
        return .object([
            .init("securitySchemes", try parsed(APISchemas.security)),
            .init("parameters", try parsed(APISchemas.parameters)),
            .init("headers", try parsed(APISchemas.headers)),
            .init("responses", .object(responses)),
            .init("schemas", try parsed("{" + APISchemas.schemas.joined(separator: ",") + "}")),
        ])
    }

    private static func parsed(_ text: String) throws(APIError) -> JSONValue {
        try JSONCoding.decode(JSONValue.self, from: text.utf8)
    }
}
