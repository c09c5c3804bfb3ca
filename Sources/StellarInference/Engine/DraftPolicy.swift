/// Decides how many tokens of a sequence to guess: as many as are likely to make the step worth its time.
///
/// A guess is checked by computing its rows in the same step. What the rows cost is measured (``StepCost``); how likely a guessed token is
/// right is learned from the sequence's own guesses.
struct DraftPolicy: Sendable {
    /// Most tokens in a guess.
    static let longest = 8
    /// A guess must promise so many times the tokens per second.
    private static let leastGain = 1.05
    /// Every so many chances a sequence whose guesses were wrong may try again.
    private static let trialInterval = 48
    /// A trial must have matched so many tokens.
    private static let trialMatch = 6

    /// Guessed tokens that were right and wrong, older ones counting less; to begin with as if some had been tried.
    private var right = 1.4
    private var wrong = 0.6
    private var chances = 0

    /// Tokens to guess.
    ///
    /// - Parameters:
    ///   - rows: Rows that the step has anyway.
    mutating func length(rows: Int, cost: StepCost) -> Int {
        let rate = right / (right + wrong)
        var (best, bestGain) = (0, Self.leastGain)
        var (tokens, likelihood) = (1.0, 1.0)
        for length in 1...Self.longest {
            likelihood *= rate
            tokens += likelihood
            // All sequences of the step pay for the rows of one; its share is what it has to win.
            let gain = (Double(rows - 1) + tokens) / Double(rows) / cost.ratio(rows: rows, extra: length)
            if gain > bestGain { (best, bestGain) = (length, gain) }
        }
        return best
    }

    /// Whether a sequence that should not guess may try once more.
    mutating func allowsTrial(matchLength: Int) -> Bool {
        chances += 1
        guard chances >= Self.trialInterval, matchLength >= Self.trialMatch else { return false }
        chances = 0
        return true
    }

    /// - Parameters:
    ///   - drafted: Tokens that were guessed, and checked one after the other up to the first wrong one.
    mutating func record(drafted: Int, accepted: Int) {
        guard drafted > 0 else { return }
        let decay = 0.85
        right = right * decay + Double(accepted)
        wrong = wrong * decay + (accepted < drafted ? 1 : 0)
    }
}

/// How the time of a step grows with its rows, learned from steps with and without guesses.
struct StepCost: Sendable {
    /// Time of a step without guesses by its number of sequences; 0: not measured yet.
    private var plain = [Double](repeating: 0, count: 33)
    /// Time of a further row over that of a step with one.
    private var slope = 0.25

    /// The time of a step of `rows + extra` rows over that of `rows`.
    func ratio(rows: Int, extra: Int) -> Double {
        1 + slope * Double(extra) / (1 + slope * Double(rows - 1))
    }

    /// - Parameters:
    ///   - sequences: Sequences in the step, each with one token of its own.
    ///   - drafted: Guessed tokens on top.
    ///   - seconds: Time that the step took.
    mutating func record(sequences: Int, drafted: Int, seconds: Double) {
        guard plain.indices.contains(sequences), sequences > 0, seconds > 0 else { return }
        let known = plain[sequences]
        if drafted == 0 {
            plain[sequences] = known == 0 ? seconds : known + 0.1 * (seconds - known)
        } else if known > 0 {
            let extra = (seconds / known - 1) / Double(drafted)
            let share = 1 - extra * Double(sequences - 1)
            let measured = share > 0.1 ? extra / share : 1
            slope += 0.1 * (min(max(measured, 0.02), 1) - slope)
        }
    }
}
