extension GenerationRequest {
    /// - Throws: ``InferenceError`` `invalidRequest` naming the parameter, its value and what is allowed; `contextLengthExceeded`.
    func validate(vocabularySize: Int, contextLength: Int) throws(InferenceError) {
        guard !promptTokens.isEmpty else {
            throw InferenceError(.invalidRequest, "The prompt is empty: give at least one token.")
        }
        guard promptTokens.count < contextLength else {
            throw InferenceError(
                .contextLengthExceeded,
                "This model's maximum context length is \(contextLength) tokens, but the prompt has \(promptTokens.count) tokens: "
                    + "it exceeds the available context size. Shorten the prompt."
            )
        }
        guard promptTokens.allSatisfy({ (0..<vocabularySize).contains(Int($0)) }) else {
            throw InferenceError(.invalidRequest, "A prompt token is outside of the vocabulary (0 to \(vocabularySize - 1)).")
        }
        try check("max_tokens", Double(maxTokens ?? 1), 1...Double(Int32.max))
        try check("logprobs", Double(logprobs ?? 0), 0...20)
        try check("prompt_logprobs", Double(promptLogprobs ?? 0), 0...20)
        guard !stopStrings.contains("") else {
            throw InferenceError(.invalidRequest, "stop holds an empty string, which would end every reply at once.")
        }
        if let token = sampling.logitBias.keys.first(where: { !(0..<vocabularySize).contains(Int($0)) }) {
            throw InferenceError(.invalidRequest, "logit_bias names the token \(token); 0 to \(vocabularySize - 1) is possible.")
        }
        try sampling.validate()
    }
}

extension SamplingParameters {
    /// - Throws: ``InferenceError`` `invalidRequest` naming the parameter, its value and what is allowed.
    func validate() throws(InferenceError) {
        try check("temperature", Double(temperature), 0...2)
        try check("top_k", Double(topK), 0...Double(Int32.max))
        try check("top_p", Double(topP), 0...1)
        try check("min_p", Double(minP), 0...1)
        try check("repetition_penalty", Double(repetitionPenalty), 0.01...10)
        try check("presence_penalty", Double(presencePenalty), -2...2)
        try check("frequency_penalty", Double(frequencyPenalty), -2...2)
        for (token, bias) in logitBias { try check("logit_bias of token \(token)", Double(bias), -100...100) }
    }
}

private func check(_ name: String, _ value: Double, _ allowed: ClosedRange<Double>) throws(InferenceError) {
    guard allowed.contains(value) else {
        let bounds = "\(shortest(allowed.lowerBound)) to \(shortest(allowed.upperBound))"
        throw InferenceError(.invalidRequest, "\(name) is \(shortest(value)); \(bounds) is possible.")
    }
}

private func shortest(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
}
