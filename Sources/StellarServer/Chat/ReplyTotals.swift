internal import StellarInference
internal import StellarProtocol

/// Adds up the ends of a reply's choices. The choices share one prompt, which counts once.
struct ReplyTotals: Sendable {
    private var ends: [Int: ChoiceEnd] = [:]

    mutating func add(_ end: ChoiceEnd, choice: Int) {
        ends[choice] = end
    }

    var usage: Usage {
        Usage(
            promptTokens: prompt?.promptTokens ?? 0,
            completionTokens: ends.values.reduce(0) { $0 + $1.usage.completionTokens },
            cachedTokens: prompt?.cachedTokens ?? 0
        )
    }

    /// Of several choices, which run side by side: tokens added up, the longest times.
    var timings: Timings? {
        guard let prompt else { return nil }
        func longest(_ interval: KeyPath<GenerationTimings, Duration>) -> Double {
            (ends.values.map { $0.timings[keyPath: interval] }.max() ?? .zero).milliseconds
        }
        return Timings(
            promptCount: prompt.promptTokens - prompt.cachedTokens,
            promptMilliseconds: longest(\.prefill),
            cacheCount: prompt.cachedTokens,
            predictedCount: ends.values.reduce(0) { $0 + $1.usage.completionTokens },
            predictedMilliseconds: longest(\.decode),
            queueMilliseconds: longest(\.queue)
        )
    }

    /// The counts of the first choice: its prompt is the one that may have been computed for the others.
    private var prompt: TokenUsage? {
        ends.min { $0.key < $1.key }?.value.usage
    }
}

extension Duration {
    /// To the nearest microsecond, so that documents stay short.
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1000 + (Double(attoseconds) / 1e12).rounded() / 1000
    }
}
