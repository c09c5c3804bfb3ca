import CStellarKernels

/// Chooses the tokens of one sequence: its parameters, its random numbers, and what it has generated.
///
/// The choice depends on the logits and on this state alone, never on other sequences.
package struct Sampler: Sendable {
    package let parameters: SamplingParameters
    private var random: RandomSource
    private var counts: TokenCounts

    /// A token with its logit or probability.
    private typealias Candidate = (token: Int, value: Float)

    /// - Parameter fallbackSeed: Used if the parameters have no seed.
    package init(parameters: SamplingParameters, prompt: [TokenID], fallbackSeed: UInt64) {
        self.parameters = parameters
        random = RandomSource(seed: parameters.seed ?? fallbackSeed)
        counts = TokenCounts(prompt: parameters.repetitionPenalty == 1 ? [] : prompt)
    }

    /// The next token.
    ///
    /// - Parameter logits: `[vocabulary]`, not empty; overwritten.
    package mutating func sample(_ logits: UnsafeMutableBufferPointer<Float>) -> TokenID {
        parameters.adjust(logits, counts: counts)
        let token = TokenID(truncatingIfNeeded: parameters.temperature == 0 ? greedy(logits) : draw(logits))
        if parameters.hasPenalties { counts.record(token) }
        return token
    }

    private func greedy(_ logits: UnsafeMutableBufferPointer<Float>) -> Int {
        Kernels.table.argmax(logits.baseAddress, logits.count)
    }

    private mutating func draw(_ logits: UnsafeMutableBufferPointer<Float>) -> Int {
        let scale = 1 / parameters.temperature
        let greatest = Kernels.table.max(logits.baseAddress, logits.count)
        // Infinite or missing numbers (a damaged model) leave nothing to draw from.
        guard greatest.isFinite, scale.isFinite else { return greedy(logits) }
        // Subtracting the greatest first keeps tiny temperatures from overflowing.
        for index in logits.indices { logits[index] = (logits[index] - greatest) * scale }
        if (1..<logits.count).contains(parameters.topK) { keepTopK(logits) }
        Kernels.table.softmax(logits.baseAddress, logits.count)
        return parameters.topP < 1 || parameters.minP > 0 ? drawFromNucleus(logits) : drawFromAll(logits)
    }

    /// Sets all logits but the `topK` greatest to −∞; of equal ones the lower ids stay.
    private func keepTopK(_ logits: UnsafeMutableBufferPointer<Float>) {
        let threshold = TopCandidates(logits, count: parameters.topK)
        guard let least = threshold.candidates.last else { return }
        for index in logits.indices {
            let value = logits[index]
            if value < least.value || (value == least.value && index > least.token) { logits[index] = -.infinity }
        }
    }

    /// Draws from the likeliest tokens whose probabilities reach top-p and each of which passes min-p.
    private mutating func drawFromNucleus(_ probabilities: UnsafeMutableBufferPointer<Float>) -> Int {
        // All tokens below this together weigh less than 1 − topP, so none of them is in the nucleus: only the others need sorting.
        let negligible = max(0, 1 - parameters.topP) / Float(probabilities.count)
        let floor = max(negligible, parameters.minP * Kernels.table.max(probabilities.baseAddress, probabilities.count))
        var candidates: [Candidate] = []
        for index in probabilities.indices where probabilities[index] > 0 && probabilities[index] >= floor {
            candidates.append((index, probabilities[index]))
        }
        candidates.sort { $0.value != $1.value ? $0.value > $1.value : $0.token < $1.token }
        var sum = 0.0
        var kept = 0
        while kept < candidates.count, kept == 0 || sum < Double(parameters.topP) {
            sum += Double(candidates[kept].value)
            kept += 1
        }
        var rest = random.uniform() * sum
        for candidate in candidates.prefix(kept) {
            rest -= Double(candidate.value)
            if rest < 0 { return candidate.token }
        }
        return candidates.prefix(kept).last?.token ?? 0
    }

    private mutating func drawFromAll(_ probabilities: UnsafeMutableBufferPointer<Float>) -> Int {
        var sum = 0.0
        for probability in probabilities { sum += Double(probability) }
        var rest = random.uniform() * sum
        var last = 0
        for index in probabilities.indices where probabilities[index] > 0 {
            rest -= Double(probabilities[index])
            last = index
            if rest < 0 { break }
        }
        return last
    }
}
