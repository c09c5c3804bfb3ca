/// What the server sends over `/api/ws/chat`: `{"event":…,"data":…}`, and `"id"` beside them in the events of a reply whose request had one.
///
/// Order of a reply: ``contentBlockStart(index:)``, any number of ``contentBlockDelta(index:text:)``, ``contentBlockStop(index:)``,
/// ``messageDelta(finishReason:usage:)``, ``messageStop``. ``error(_:)`` may come at any time and ends the reply, not the connection.
public struct WebSocketServerEvent: Codable, Sendable, Equatable {
    public enum Payload: Sendable, Equatable {
        /// Once, after the upgrade.
        case sessionStart(sessionID: String)
        case contentBlockStart(index: Int)
        case contentBlockDelta(index: Int, text: String)
        case contentBlockStop(index: Int)
        case messageDelta(finishReason: String, usage: WebSocketUsage)
        case messageStop
        case error(ErrorObject)
        /// The answer to a `ping`; has no data.
        case pong
    }

    /// The `id` of the client's message.
    public var id: String?
    public var payload: Payload

    public init(_ payload: Payload, id: String? = nil) {
        self.id = id
        self.payload = payload
    }
}

/// Token counts of a reply in the event stream.
public struct WebSocketUsage: Codable, Sendable, Equatable {
    public var inputTokens: Int
    public var outputTokens: Int

    public init(inputTokens: Int, outputTokens: Int) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }

    enum CodingKeys: String, CodingKey {
        case inputTokens = "input_tokens"
        case outputTokens = "output_tokens"
    }
}
