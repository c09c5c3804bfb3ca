import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import StellarProtocol

/// `POST /api/chat/completions`.
struct ChatCompletionRoute: Sendable {
    let chat: ChatService
    let maxBodySize: Int
    let keepAlive: Duration
    let logger: Logger
    let sessions: SessionStore?

    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let body = try await collectBody(of: request)
        let completion = try JSONCoding.decode(ChatCompletionRequest.self, from: body.readableBytesView)
        if !completion.unknownFields.isEmpty {
            context.logger.debug("Request has fields that are ignored", metadata: ["count": "\(completion.unknownFields.count)"])
        }
        let chat = self.chat
        let exchange = try exchange(completion, request.query, context.caller)
        if let exchange { _ = try await exchange.conversation(completion.messages, content: nil) }
        let (reply, headers) = try await cancellingOnDisconnect {
            try await chat.start(completion).stored(exchange, completion.messages)
        }
        guard completion.stream == true else {
            return try .json(try await cancellingOnDisconnect { try await reply.collect() }, headers: headers)
        }
        var response = EventStream.response(reply, keepAlive: keepAlive)
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
        guard let sessions else { throw .sessionsAreOff }
        var place = ExchangePlace(sessionID: id, userMessageID: query["user_message_id"], messageID: query["message_id"])
        if let parent = query["parent_id"] { place.parentID = .set(parent.isEmpty || parent == "null" ? nil : parent) }
        return try StoredExchange(store: sessions, owner: caller.owner, place: place)
    }

    /// The body, whatever content type it claims to have. One that announces too many bytes is refused before any is read.
    private func collectBody(of request: Request) async throws -> ByteBuffer {
        if let announced = request.headers[.contentLength].flatMap(Int.init), announced > maxBodySize {
            throw APIError.bodyTooLarge(limit: maxBodySize)
        }
        return try await request.body.collect(upTo: maxBodySize)
    }
}
