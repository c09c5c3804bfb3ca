public import StellarProtocol

/// Makes the chunks of a streamed legacy completion: one for each piece of text, and one with the finish reason for each choice. Then, where
/// asked for, a chunk of token counts.
public struct CompletionMapper: ReplyMapper {
    private let head: ChatReply.Head
    private let includesUsage: Bool
    private var offsets: [Int]
    private var totals: ReplyTotals

    init(_ reply: ChatReply) {
        head = reply.head
        includesUsage = reply.request.includesUsage
        totals = ReplyTotals(choicesPerPrompt: reply.request.choiceCount)
        offsets = Array(repeating: 0, count: reply.request.totalChoiceCount)
    }

    public mutating func start() -> [CompletionResponse] { [] }

    public mutating func map(_ event: ChatEvent) -> [CompletionResponse] {
        guard offsets.indices.contains(event.choice) else { return [] }
        switch event.event {
        case .queued, .prefill, .started: return []
        case .delta(let delta):
            guard !delta.text.isEmpty || !delta.logprobs.isEmpty else { return [] }
            let logprobs = delta.logprobs.isEmpty ? nil : CompletionLogprobs(delta.logprobs, offset: &offsets[event.choice])
            return [chunk(.init(text: delta.text, index: event.choice, logprobs: logprobs))]
        case .finished(let end):
            totals.add(end, choice: event.choice)
            var own = ReplyTotals()
            own.add(end, choice: event.choice)
            var last = chunk(.init(text: "", index: event.choice, finishReason: end.finishReason))
            last.timings = own.timings
            return [last]
        }
    }

    public mutating func finish() -> [CompletionResponse] {
        guard includesUsage else { return [] }
        var counts = chunk(nil)
        counts.usage = totals.usage
        return [counts]
    }

    private func chunk(_ choice: CompletionResponse.Choice?) -> CompletionResponse {
        CompletionResponse(
            id: head.id,
            created: head.created,
            model: head.model,
            choices: choice.map { [$0] } ?? [],
            systemFingerprint: head.systemFingerprint
        )
    }
}
