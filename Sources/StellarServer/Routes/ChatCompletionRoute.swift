import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import StellarProtocol

/// What all routes know that take a body and generate.
struct GenerationRoutes: Sendable {
    let chat: ChatService
    let maxBodySize: Int
    let keepAlive: Duration
    let logsPrompts: Bool
    /// `nil` where sessions are not stored.
    let sessions: SessionStore?

    /// The body, decoded whatever content type it claims to have. One that announces too many bytes is refused before any is read.
    func decode<Body: Decodable & Sendable>(_ type: Body.Type, _ request: Request) async throws -> Body {
        if let announced = request.headers[.contentLength].flatMap(Int.init), announced > maxBodySize {
            throw APIError.bodyTooLarge(limit: maxBodySize)
        }
        let body = try await request.body.collect(upTo: maxBodySize)
        guard body.readableBytes > 16 << 10 else { return try JSONCoding.decode(type, from: body.readableBytesView) }
        return try await offEventLoop { try JSONCoding.decode(type, from: body.readableBytesView) }
    }

    func transcript(_ request: some Encodable, _ context: ServerRequestContext) -> ReplyTranscript? {
        logsPrompts ? ReplyTranscript(request, logger: context.logger) : nil
    }

    /// Unknown fields are ignored, as the OpenAI API's clients expect of servers that are older than they are.
    func log(_ unknownFields: [String], _ context: ServerRequestContext) {
        guard !unknownFields.isEmpty else { return }
        context.logger.debug("Request has fields that are ignored", metadata: ["count": "\(unknownFields.count)"])
    }
}

/// `POST /api/chat/completions`.
struct ChatCompletionRoute: Sendable {
    let routes: GenerationRoutes

    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let completion = try await routes.decode(ChatCompletionRequest.self, request)
        routes.log(completion.unknownFields, context)
        let transcript = routes.transcript(completion, context)
        let chat = routes.chat
        let exchange = try exchange(completion, request.query, context.caller)
        if let exchange { _ = try await exchange.conversation(completion.messages, content: nil) }
        let (reply, headers) = try await cancellingOnDisconnect {
            try await chat.start(completion).stored(exchange, completion.messages)
        }
        guard completion.stream == true else {
            let response = try await cancellingOnDisconnect { try await reply.collect() }
            transcript?.log(response.choices.map { $0.message.content ?? "" })
            return try .json(response, headers: headers)
        }
        var response = EventStream.response(reply, ChunkMapper(reply), keepAlive: routes.keepAlive, transcript: transcript)
        for header in headers { response.headers[header.name] = header.value }
        return response
    }

    /// The session that the exchange goes to: by the query, else by the body's `session_id`.
    private func exchange(
        _ request: ChatCompletionRequest,
        _ query: QueryParameters,
        _ caller: Caller
    ) throws(APIError) -> StoredExchange? {
        guard let id = query["session_id"] ?? request.sessionID else { return nil }
        guard let sessions = routes.sessions else { throw .sessionsAreOff }
        var place = ExchangePlace(sessionID: id, userMessageID: query["user_message_id"], messageID: query["message_id"])
        if let parent = query["parent_id"] { place.parentID = .set(parent.isEmpty || parent == "null" ? nil : parent) }
        return try StoredExchange(store: sessions, owner: caller.owner, place: place)
    }
}

/// `POST /api/completions`, the older API that continues text.
struct CompletionRoute: Sendable {
    let routes: GenerationRoutes

    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let completion = try await routes.decode(CompletionRequest.self, request)
        routes.log(completion.options.unknownFields, context)
        let transcript = routes.transcript(completion, context)
        let chat = routes.chat
        guard completion.stream else {
            let response = try await cancellingOnDisconnect { try await chat.start(completion).collectCompletion() }
            transcript?.log(response.choices.map(\.text))
            return try .json(response)
        }
        let reply = try await cancellingOnDisconnect { try await chat.start(completion) }
        return EventStream.response(reply, CompletionMapper(reply), keepAlive: routes.keepAlive, transcript: transcript)
    }
}

/// `POST /tokenize` and `POST /detokenize`.
struct TokenRoutes: Sendable {
    let routes: GenerationRoutes

    func tokenize(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let body = try await routes.decode(TokenizeRequest.self, request)
        let chat = routes.chat
        return try .json(try await offEventLoop { try chat.tokenize(body) })
    }

    func detokenize(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let body = try await routes.decode(DetokenizeRequest.self, request)
        let chat = routes.chat
        return try .json(try await offEventLoop { try chat.detokenize(body) })
    }
}

/// `POST /api/embeddings`: says that there are none, so that clients need not guess from a 404.
struct EmbeddingRoute: Sendable {
    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        throw APIError.invalidRequest(
            "Embeddings are not supported: the loaded model writes text. Use a server with an embedding model.",
            code: "unsupported_operation"
        )
    }
}
