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

    func handle(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let body = try await collectBody(of: request)
        let completion = try JSONCoding.decode(ChatCompletionRequest.self, from: body.readableBytesView)
        if !completion.unknownFields.isEmpty {
            context.logger.debug("Request has fields that are ignored", metadata: ["count": "\(completion.unknownFields.count)"])
        }
        let chat = self.chat
        guard completion.stream == true else {
            return try .json(try await cancellingOnDisconnect { try await chat.start(completion).collect() })
        }
        return EventStream.response(try await cancellingOnDisconnect { try await chat.start(completion) }, keepAlive: keepAlive)
    }

    /// The body, whatever content type it claims to have. One that announces too many bytes is refused before any is read.
    private func collectBody(of request: Request) async throws -> ByteBuffer {
        if let announced = request.headers[.contentLength].flatMap(Int.init), announced > maxBodySize {
            throw APIError.bodyTooLarge(limit: maxBodySize)
        }
        return try await request.body.collect(upTo: maxBodySize)
    }
}
