/// Turns the sampled tokens of one reply into events: text of whole code points without stop strings, and the end with its reason.
///
/// A pure state machine: the engine feeds tokens, and forwards what comes out.
package struct ReplyStream: Sendable {
    private let request: GenerationRequest
    private let endTokens: Set<TokenID>
    /// Most tokens the reply can have: the request's limit, or what the context leaves.
    private let limit: Int
    private var detokenizer: StreamingDetokenizer
    private var matcher: StopStringMatcher
    package private(set) var tokenCount = 0
    /// Most tokens that may still come.
    package var remainingCount: Int { limit - tokenCount }

    package init(request: GenerationRequest, tokenizer: Tokenizer, contextLength: Int) {
        self.request = request
        endTokens = request.ignoreEOS ? [] : tokenizer.endOfGenerationTokens
        limit = min(request.maxTokens ?? .max, contextLength - request.promptTokens.count)
        detokenizer = StreamingDetokenizer(tokenizer, skippingSpecialTokens: true, continuesText: true)
        matcher = StopStringMatcher(request.stopStrings)
    }

    /// Takes the next sampled token.
    ///
    /// - Returns: What to report for it, and why the reply ends with it, if it does.
    package mutating func append(_ token: TokenID, logprob: TokenLogprob?) -> (delta: GenerationDelta, end: FinishReason?) {
        tokenCount += 1
        let logprobs = logprob.map { [$0] } ?? []
        if endTokens.contains(token) {
            let text = remainder()
            return (GenerationDelta(text: text, tokens: [token], logprobs: text.isEmpty ? [] : logprobs), .stop)
        }
        var output = matcher.append(detokenizer.append(token))
        var end: FinishReason? = output.isStopped ? .stop : nil
        if end == nil, tokenCount >= limit {
            let rest = remainder()
            output.text += rest
            end = .length
        }
        return (GenerationDelta(text: output.text, tokens: [token], logprobs: logprobs), end)
    }

    /// What was held back, once no more token follows.
    private mutating func remainder() -> String {
        let rest = matcher.append(detokenizer.finish())
        return rest.isStopped ? rest.text : rest.text + matcher.finish()
    }
}
