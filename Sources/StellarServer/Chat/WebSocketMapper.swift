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

    private let showsProgress: Bool
    private var hasStarted = false

    /// - Parameters:
    ///   - id: echoed in every event.
    ///   - showsProgress: Tell queue position and prompt progress before the first block, and timings at the end.
    public init(id: String?, choiceCount: Int = 1, showsProgress: Bool = false) {
        self.id = id
        self.showsProgress = showsProgress
        openBlocks = Array(0..<choiceCount)
    }

    /// Blocks begin at once, or after the progress that was asked for.
    public mutating func start() -> [WebSocketServerEvent] {
        showsProgress ? [] : startBlocks()
    }

    private mutating func startBlocks() -> [WebSocketServerEvent] {
        guard !hasStarted else { return [] }
        hasStarted = true
        return openBlocks.map { event(.contentBlockStart(index: $0)) }
    }

    private func progress(_ position: Int?, prompt: Int, processed: Int) -> [WebSocketServerEvent] {
        guard showsProgress, !hasStarted else { return [] }
        return [event(.progress(WebSocketProgress(queuePosition: position, promptTokens: prompt, processedTokens: processed)))]
    }

    public mutating func map(_ event: ChatEvent) -> [WebSocketServerEvent] {
        switch event.event {
        case .queued(let position): return progress(position, prompt: 0, processed: 0)
        case .prefill(let processed, let total): return progress(nil, prompt: total, processed: processed)
        case .started(let start):
            promptTokens = start.promptTokens
            return progress(nil, prompt: start.promptTokens, processed: start.cachedTokens)
        case .delta(let delta):
            tokenCount += delta.tokenCount
            if event.choice == 0 { text += delta.text }
            guard !delta.text.isEmpty else { return [] }
            return startBlocks() + [self.event(.contentBlockDelta(index: event.choice, text: delta.text))]
        case .finished(let end):
            totals.add(end, choice: event.choice)
            // Of several choices, one that was cut decides: the reader must learn that something is missing.
            if end.finishReason != "stop" { finishReason = end.finishReason }
            let starts = startBlocks()
            openBlocks.removeAll { $0 == event.choice }
            return starts + [self.event(.contentBlockStop(index: event.choice))]
        }
    }

    public mutating func finish() -> [WebSocketServerEvent] {
        let stops = startBlocks() + openBlocks.map { event(.contentBlockStop(index: $0)) }
        if !openBlocks.isEmpty { finishReason = "cancelled" }
        openBlocks = []
        let counts = WebSocketUsage(
            inputTokens: max(promptTokens, totals.usage.promptTokens),
            outputTokens: max(tokenCount, totals.usage.completionTokens)
        )
        let timings = showsProgress ? totals.timings : nil
        return stops + [event(.messageDelta(finishReason: finishReason, usage: counts, timings: timings)), event(.messageStop)]
    }

    private func event(_ payload: WebSocketServerEvent.Payload) -> WebSocketServerEvent {
        WebSocketServerEvent(payload, id: id)
    }
}
