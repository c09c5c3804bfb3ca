/// How often each token occurs, for penalties.
package struct TokenCounts: Sendable, Equatable {
    /// Tokens of the prompt.
    package let prompt: Set<TokenID>
    /// Sampled tokens and how often.
    package private(set) var generated: [TokenID: Int] = [:]

    package init(prompt: some Sequence<TokenID> = []) {
        self.prompt = Set(prompt)
    }

    package mutating func record(_ token: TokenID) {
        generated[token, default: 0] += 1
    }
}

/// The steps that change logits before a token is chosen, in place.
extension SamplingParameters {
    var hasPenalties: Bool {
        repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0
    }

    /// Applies penalties and bias to `logits`, `[vocabulary]`; ids outside of it are ignored.
    func adjust(_ logits: UnsafeMutableBufferPointer<Float>, counts: TokenCounts) {
        if repetitionPenalty != 1 {
            for token in counts.prompt where counts.generated[token] == nil { penalizeRepetition(logits, token) }
            for token in counts.generated.keys { penalizeRepetition(logits, token) }
        }
        if presencePenalty != 0 || frequencyPenalty != 0 {
            for (token, count) in counts.generated {
                change(logits, token) { $0 - presencePenalty - frequencyPenalty * Float(count) }
            }
        }
        for (token, bias) in logitBias {
            change(logits, token) { $0 + bias }
        }
    }

    private func penalizeRepetition(_ logits: UnsafeMutableBufferPointer<Float>, _ token: TokenID) {
        change(logits, token) { $0 > 0 ? $0 / repetitionPenalty : $0 * repetitionPenalty }
    }

    private func change(_ logits: UnsafeMutableBufferPointer<Float>, _ token: TokenID, _ transform: (Float) -> Float) {
        let index = Int(token)
        guard logits.indices.contains(index) else { return }
        logits[index] = transform(logits[index])
    }
}
