extension CompletionRequest {
    /// Most tokens of a completion that names no limit: the OpenAI API's default.
    static let defaultMaxTokens = 16

    /// Checks every value's range, and that the request asks for nothing that this server can't do.
    ///
    /// - Throws: ``APIError`` 400 whose `param` names the field.
    public func validate(limits: ChatRequestLimits = ChatRequestLimits()) throws(APIError) -> ValidatedChatRequest {
        if let suffix, !suffix.isEmpty {
            throw .unsupported("'suffix' is not supported: the model can only continue text, not fill a gap.", param: "suffix")
        }
        let prompts = try validatedPrompts(limits)
        var options = self.options
        // Scoring a text (echo with log-probabilities) asks for no continuation at all.
        let onlyScores = echo == true && (options.maxCompletionTokens ?? options.maxTokens) == 0
        if onlyScores {
            options.maxTokens = 1
            options.maxCompletionTokens = nil
        } else if options.maxTokens == nil, options.maxCompletionTokens == nil {
            options.maxTokens = Self.defaultMaxTokens
        }
        var request = try options.validateOptions(limits: limits, input: .prompts(prompts))
        try check(bestOf, choices: request.choiceCount)
        guard prompts.count * request.choiceCount <= limits.maxPrompts else {
            throw .invalidRequest(
                "\(prompts.count) prompts with 'n' \(request.choiceCount) are more than \(limits.maxPrompts) choices.",
                param: "n",
                code: "invalid_value"
            )
        }
        request.logprobs = try logprobs.map { count throws(APIError) in
            guard (0...20).contains(count) else {
                throw .invalidRequest(
                    "Invalid value for 'logprobs': \(count) is not in the range 0 to 20.",
                    param: "logprobs",
                    code: "invalid_value"
                )
            }
            return count
        }
        request.echoesPrompt = echo ?? false
        request.onlyScores = onlyScores
        return request
    }

    private func validatedPrompts(_ limits: ChatRequestLimits) throws(APIError) -> [CompletionPrompt] {
        guard let prompt else { throw .invalidRequest("Missing required parameter: 'prompt'.", param: "prompt") }
        guard !prompt.prompts.isEmpty else {
            throw .invalidRequest("'prompt' must not be an empty array.", param: "prompt", code: "empty_array")
        }
        guard prompt.prompts.count <= limits.maxPrompts else {
            throw .invalidRequest(
                "'prompt' may hold at most \(limits.maxPrompts) prompts.",
                param: "prompt",
                code: "array_above_max_length"
            )
        }
        return prompt.prompts
    }

    private func check(_ bestOf: Int?, choices: Int) throws(APIError) {
        guard let bestOf, bestOf != choices else { return }
        if bestOf < choices {
            throw .invalidRequest("'best_of' must not be less than 'n'.", param: "best_of", code: "invalid_value")
        }
        throw .unsupported("'best_of' is only supported with the same value as 'n'.", param: "best_of")
    }
}
