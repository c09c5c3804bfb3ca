public import StellarProtocol

/// Makes the chunks of a streamed chat completion.
///
/// For each choice: a chunk with the role, one for each piece of text, and one with an empty delta and the finish reason. Then, where asked
/// for, a chunk of token counts.
public struct ChunkMapper: ReplyMapper {
    private let head: ChatReply.Head
    private let choiceCount: Int
    private let includesUsage: Bool
    private var totals = ReplyTotals()
    private let texts: TextChunkWriter

    public init(head: ChatReply.Head, choiceCount: Int = 1, includesUsage: Bool = false) {
        self.head = head
        texts = TextChunkWriter(like: Self.chunk(nil, head))
        self.choiceCount = choiceCount
        self.includesUsage = includesUsage
    }

    init(_ reply: ChatReply) {
        self.init(head: reply.head, choiceCount: reply.request.choiceCount, includesUsage: reply.request.includesUsage)
    }

    public mutating func start() -> [ChatCompletionChunk] {
        (0..<choiceCount).map { chunk(.init(index: $0, delta: .init(role: "assistant", content: ""))) }
    }

    public mutating func map(_ event: ChatEvent) -> [ChatCompletionChunk] {
        switch event.event {
        case .queued, .prefill, .started: return []
        case .delta(let delta):
            guard !delta.text.isEmpty || !delta.logprobs.isEmpty else { return [] }
            let logprobs = delta.logprobs.isEmpty ? nil : ChoiceLogprobs(content: delta.logprobs)
            return [chunk(.init(index: event.choice, delta: .init(content: delta.text), logprobs: logprobs))]
        case .finished(let end):
            totals.add(end, choice: event.choice)
            return [last(end, choice: event.choice)]
        }
    }

    public func writeText(of event: ChatEvent, to bytes: inout [UInt8]) -> Bool {
        guard case .delta(let delta) = event.event, !delta.text.isEmpty, delta.logprobs.isEmpty else { return false }
        texts.write(delta.text, index: event.choice, to: &bytes)
        return true
    }

    public mutating func finish() -> [ChatCompletionChunk] {
        guard includesUsage else { return [] }
        var counts = chunk(nil)
        counts.usage = totals.usage
        return [counts]
    }

    private func last(_ end: ChoiceEnd, choice: Int) -> ChatCompletionChunk {
        var own = ReplyTotals()
        own.add(end, choice: choice)
        var last = chunk(.init(index: choice, delta: .init(), finishReason: end.finishReason))
        last.timings = own.timings
        return last
    }

    private func chunk(_ choice: ChatCompletionChunk.Choice?) -> ChatCompletionChunk {
        Self.chunk(choice, head)
    }

    private static func chunk(_ choice: ChatCompletionChunk.Choice?, _ head: ChatReply.Head) -> ChatCompletionChunk {
        ChatCompletionChunk(
            id: head.id,
            created: head.created,
            model: head.model,
            choices: choice.map { [$0] } ?? [],
            systemFingerprint: head.systemFingerprint
        )
    }
}
