internal import StellarInference
internal import StellarProtocol

/// Adds up the ends of a reply's choices. Choices that share a prompt count it once.
struct ReplyTotals: Sendable {
    /// Choices of each prompt.
    private let choicesPerPrompt: Int
    private var ends: [Int: ChoiceEnd] = [:]

    init(choicesPerPrompt: Int = .max) {
        self.choicesPerPrompt = max(1, choicesPerPrompt)
    }

    mutating func add(_ end: ChoiceEnd, choice: Int) {
        ends[choice] = end
    }

    var usage: Usage {
        Usage(
            promptTokens: prompts.reduce(0) { $0 + $1.promptTokens },
            completionTokens: ends.values.reduce(0) { $0 + $1.usage.completionTokens },
            cachedTokens: prompts.reduce(0) { $0 + $1.cachedTokens }
        )
    }

    /// Of several choices, which run side by side: tokens added up, the longest times.
    var timings: Timings? {
        guard !ends.isEmpty else { return nil }
        let usage = usage
        let cached = usage.promptTokensDetails?.cachedTokens ?? 0
        func longest(_ interval: KeyPath<GenerationTimings, Duration>) -> Double {
            (ends.values.map { $0.timings[keyPath: interval] }.max() ?? .zero).milliseconds
        }
        return Timings(
            promptCount: usage.promptTokens - cached,
            promptMilliseconds: longest(\.prefill),
            cacheCount: cached,
            predictedCount: usage.completionTokens,
            predictedMilliseconds: longest(\.decode),
            queueMilliseconds: longest(\.queue)
        )
    }

    /// For each prompt the counts of its first choice: there it is computed, for the others it may be found.
    private var prompts: [TokenUsage] {
        let first = Dictionary(grouping: ends.keys) { $0 / choicesPerPrompt }.values.compactMap { $0.min() }
        return first.compactMap { ends[$0]?.usage }
    }
}

extension Duration {
    /// To the nearest microsecond, so that documents stay short.
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1000 + (Double(attoseconds) / 1e12).rounded() / 1000
    }
}
