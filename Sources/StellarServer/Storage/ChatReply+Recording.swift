import HTTPTypes
import StellarProtocol

/// Sees the events of a reply on their way to a client.
package protocol ReplyTap: Sendable {
    func record(_ event: ChatEvent)
    /// The reply is over: complete, broken off by an error, or left by its client. Its reader waits for this to return.
    func end(error: (any Error)?) async
}

extension ReplyRecorder: ReplyTap {}

extension ChatReply {
    /// This reply, with taps that see each event before its reader does. They are told of the end before the reader is.
    package func tapped(by taps: [any ReplyTap]) -> ChatReply {
        guard !taps.isEmpty else { return self }
        let source = EventSource(events)
        let events = AsyncThrowingStream<ChatEvent, any Error> {
            do {
                if let event = try await source.next() {
                    for tap in taps { tap.record(event) }
                    return event
                }
                for tap in taps { await tap.end(error: nil) }
                return nil
            } catch {
                for tap in taps { await tap.end(error: error) }
                throw error
            }
        }
        return ChatReply(head: head, request: request, events: events, onCancel: cancel)
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
        return (tapped(by: [recorder]), headers)
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

/// - Note: `@unchecked Sendable` because a stream asks for one element at a time: nobody uses the iterator twice at once.
private final class EventSource: @unchecked Sendable {
    private var iterator: AsyncThrowingStream<ChatEvent, any Error>.Iterator

    init(_ events: AsyncThrowingStream<ChatEvent, any Error>) {
        iterator = events.makeAsyncIterator()
    }

    func next() async throws -> ChatEvent? {
        try await iterator.next()
    }
}
