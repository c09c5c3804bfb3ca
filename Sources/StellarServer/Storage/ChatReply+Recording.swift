import HTTPTypes
import StellarProtocol

/// Sees the events of a reply on their way to a client.
protocol ReplyTap: Sendable {
    func record(_ event: ChatEvent)
    /// The client stops the reply; its end follows.
    func clientCancels()
    /// The reply is over: complete, broken off by an error, or left by its client. Its reader waits for this to return.
    func end(error: (any Error)?) async
}

extension ReplyRecorder: ReplyTap {
    package func clientCancels() {
        expect(.cancelled)
    }
}

extension ChatReply {
    /// This reply, stored as it comes, and the headers that say where. Where the database fails the reply goes on without it.
    ///
    /// - Parameter messages: the conversation that is replied to.
    /// - Throws: ``APIError`` if the exchange does not fit its session; the reply is cancelled then.
    func stored(_ exchange: StoredExchange?, _ messages: [ChatMessage]) async throws -> (ChatReply, HTTPFields) {
        guard let exchange, let recorder = try await recorder(exchange, messages) else { return (self, [:]) }
        var headers: HTTPFields = [.sessionID: recorder.sessionID, .messageID: recorder.messageID]
        headers[.userMessageID] = recorder.userMessageID
        return (ChatReply(head: head, request: request, events: events.tapped(by: recorder)), headers)
    }

    /// What stores this reply; `nil` if the database fails.
    func recorder(_ exchange: StoredExchange, _ messages: [ChatMessage]) async throws -> ReplyRecorder? {
        do {
            return try await exchange.begin(messages, model: head.model)
        } catch let error as APIError where error.status >= 500 {
            return nil
        } catch {
            cancel()
            throw error
        }
    }
}

extension HTTPField.Name {
    static let sessionID = HTTPField.Name("x-session-id") ?? .cookie
    static let messageID = HTTPField.Name("x-message-id") ?? .cookie
    static let userMessageID = HTTPField.Name("x-user-message-id") ?? .cookie
}
