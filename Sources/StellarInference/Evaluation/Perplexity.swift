internal import Foundation

/// How surprised a model is by a text: exp of the mean negative log-probability of its tokens.
///
/// As llama.cpp measures it: the text is cut into windows of `context` tokens that do not overlap, what is left over at the end is not used,
/// and in each window the tokens of the second half are scored, so that each has at least half a window before it. If the model expects its
/// texts to begin with a token of its own, that takes the place of each window's first token.
package struct Perplexity: Sendable {
    package let perplexity: Double
    /// Tokens that were scored.
    package let tokens: Int
    /// Tokens in a window.
    package let context: Int
    package let windows: Int

    /// - Parameters:
    ///   - tokens: The text's; with the beginning-of-sequence token if the model expects it.
    ///   - bosToken: Put first in each window; `nil`: the window begins as the text does.
    ///   - report: Called after each window, with the result so far and the number of windows.
    /// - Throws: ``InferenceError`` `invalidRequest` if the text is shorter than one window.
    package init(
        _ evaluator: LogitEvaluator,
        tokens: [TokenID],
        context: Int,
        bosToken: TokenID?,
        report: (_ soFar: Perplexity, _ total: Int) -> Void = { _, _ in }
    ) throws(InferenceError) {
        let total = tokens.count / max(1, context)
        guard context >= 4, total > 0 else {
            throw InferenceError(
                .invalidRequest,
                "The text has \(tokens.count) tokens, fewer than a window of \(max(4, context)). Use a longer text, or a smaller context of at least 4."
            )
        }
        let first = context / 2
        var sum = 0.0
        var result = Perplexity(sum: 0, count: 0, context: context, windows: 0)
        for window in 0..<total {
            var part = Array(tokens[window * context..<(window + 1) * context])
            if let bosToken { part[0] = bosToken }
            try evaluator.evaluate(Array(part.dropLast()), from: first) { index, logits in
                sum += Double(LogitSummary.logSumExp(logits)) - Double(logits[Int(part[index + 1])])
            }
            result = Perplexity(sum: sum, count: (window + 1) * (context - 1 - first), context: context, windows: window + 1)
            report(result, total)
        }
        self = result
    }

    private init(sum: Double, count: Int, context: Int, windows: Int) {
        perplexity = count > 0 ? exp(sum / Double(count)) : .nan
        tokens = count
        self.context = context
        self.windows = windows
    }
}
