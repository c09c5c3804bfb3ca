/// What the server sends over `/api/ws/chat`: `{"event":…,"data":…}`, and `"id"` beside them in the events of a reply whose request had one.
///
/// Order of a reply: ``contentBlockStart(index:)``, any number of ``contentBlockDelta(index:text:)``, ``contentBlockStop(index:)``,
/// ``messageDelta(finishReason:usage:timings:)``, ``messageStop``. ``error(_:)`` may come at any time and ends the reply, not the connection.
public struct WebSocketServerEvent: Codable, Sendable, Equatable {
    public enum Payload: Sendable, Equatable {
        /// Once, after the upgrade.
        case sessionStart(sessionID: String)
        case contentBlockStart(index: Int)
        case contentBlockDelta(index: Int, text: String)
        case contentBlockStop(index: Int)
        /// `timings` only where the client asked for progress.
        case messageDelta(finishReason: String, usage: WebSocketUsage, timings: Timings? = nil)
        case messageStop
        case error(ErrorObject)
        /// How far the reply is before its first block; only where the client asked for it.
        case progress(WebSocketProgress)
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

/// How far a reply is that has not begun yet.
public struct WebSocketProgress: Codable, Sendable, Equatable {
    /// 1 is next; `nil`: it has left the queue.
    public var queuePosition: Int?
    /// 0 while it is not known.
    public var promptTokens: Int
    public var processedTokens: Int

    public init(queuePosition: Int?, promptTokens: Int, processedTokens: Int) {
        self.queuePosition = queuePosition
        self.promptTokens = promptTokens
        self.processedTokens = processedTokens
    }

    enum CodingKeys: String, CodingKey {
        case queuePosition = "queue_position"
        case promptTokens = "prompt_tokens"
        case processedTokens = "processed_tokens"
    }

    /// `queue_position` is written as `null` where there is none.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(queuePosition, forKey: .queuePosition)
        try container.encode(promptTokens, forKey: .promptTokens)
        try container.encode(processedTokens, forKey: .processedTokens)
    }
}
