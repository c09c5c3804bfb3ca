public import StellarProtocol

/// Collects a reply's events into one document.
public struct ResponseCollector: Sendable {
    private struct Choice: Sendable {
        var text = ""
        var logprobs: [ChoiceLogprobs.TokenLogprobs] = []
        var finishReason = "stop"
    }

    private let head: ChatReply.Head
    private var choices: [Choice]
    private var totals: ReplyTotals

    /// - Parameters:
    ///   - choiceCount: Choices over all prompts.
    ///   - choicesPerPrompt: `nil`: there is one prompt.
    public init(head: ChatReply.Head, choiceCount: Int, choicesPerPrompt: Int? = nil) {
        self.head = head
        totals = ReplyTotals(choicesPerPrompt: choicesPerPrompt ?? choiceCount)
        choices = Array(repeating: Choice(), count: choiceCount)
    }

    public mutating func add(_ event: ChatEvent) {
        guard choices.indices.contains(event.choice) else { return }
        switch event.event {
        case .queued, .prefill, .started: break
        case .delta(let delta):
            choices[event.choice].text += delta.text
            choices[event.choice].logprobs += delta.logprobs
        case .finished(let end):
            choices[event.choice].finishReason = end.finishReason
            totals.add(end, choice: event.choice)
        }
    }

    /// The document; complete once every choice has ended.
    public var response: ChatCompletionResponse {
        ChatCompletionResponse(
            id: head.id,
            created: head.created,
            model: head.model,
            choices: choices.enumerated().map { index, choice in
                ChatCompletionResponse.Choice(
                    index: index,
                    message: .init(content: choice.text),
                    logprobs: choice.logprobs.isEmpty ? nil : ChoiceLogprobs(content: choice.logprobs),
                    finishReason: choice.finishReason
                )
            },
            usage: totals.usage,
            systemFingerprint: head.systemFingerprint,
            timings: totals.timings
        )
    }

    /// The document of a legacy completion.
    public var completion: CompletionResponse {
        CompletionResponse(
            id: head.id,
            created: head.created,
            model: head.model,
            choices: choices.enumerated().map { index, choice in
                var offset = 0
                return CompletionResponse.Choice(
                    text: choice.text,
                    index: index,
                    logprobs: choice.logprobs.isEmpty ? nil : CompletionLogprobs(choice.logprobs, offset: &offset),
                    finishReason: choice.finishReason
                )
            },
            usage: totals.usage,
            systemFingerprint: head.systemFingerprint,
            timings: totals.timings
        )
    }
}
