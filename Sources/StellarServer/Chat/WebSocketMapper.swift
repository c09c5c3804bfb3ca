internal import StellarInference
public import StellarProtocol

/// Makes the events of one reply on `/api/ws/chat`. Each choice is a content block.
///
/// A reply that is cut short is ended by calling ``finish()`` early: its open blocks are closed and its finish reason is `cancelled`.
public struct WebSocketMapper: ReplyMapper {
    private let id: String?
    private var openBlocks: [Int]
    private var finishReason = "stop"
    private var totals = ReplyTotals()
    private var promptTokens = 0
    private var tokenCount = 0
    /// The first choice so far: what joins the conversation.
    public private(set) var text = ""

    /// - Parameter id: echoed in every event.
    public init(id: String?, choiceCount: Int = 1) {
        self.id = id
        openBlocks = Array(0..<choiceCount)
    }

    public mutating func start() -> [WebSocketServerEvent] {
        openBlocks.map { event(.contentBlockStart(index: $0)) }
    }

    public mutating func map(_ event: ChatEvent) -> [WebSocketServerEvent] {
        switch event.event {
        case .started(let start):
            promptTokens = start.promptTokens
            return []
        case .delta(let delta):
            tokenCount += delta.tokenCount
            if event.choice == 0 { text += delta.text }
            return delta.text.isEmpty ? [] : [self.event(.contentBlockDelta(index: event.choice, text: delta.text))]
        case .finished(let end):
            totals.add(end, choice: event.choice)
            // Of several choices, one that was cut decides: the reader must learn that something is missing.
            if end.finishReason != "stop" { finishReason = end.finishReason }
            openBlocks.removeAll { $0 == event.choice }
            return [self.event(.contentBlockStop(index: event.choice))]
        }
    }

    public mutating func finish() -> [WebSocketServerEvent] {
        let stops = openBlocks.map { event(.contentBlockStop(index: $0)) }
        if !openBlocks.isEmpty { finishReason = "cancelled" }
        openBlocks = []
        let counts = WebSocketUsage(
            inputTokens: max(promptTokens, totals.usage.promptTokens),
            outputTokens: max(tokenCount, totals.usage.completionTokens)
        )
        return stops + [event(.messageDelta(finishReason: finishReason, usage: counts)), event(.messageStop)]
    }

    private func event(_ payload: WebSocketServerEvent.Payload) -> WebSocketServerEvent {
        WebSocketServerEvent(payload, id: id)
    }
}
