import CStellarKernels
import Foundation

/// Chooses the tokens of one sequence: its parameters, its seed, and what it has generated.
///
/// The choice depends on the logits and on this state alone, never on other sequences. The random number of each token is found by the seed
/// and the token's place in the reply, so that it does not matter in which steps the tokens before were chosen.
package struct Sampler: Sendable {
    package let parameters: SamplingParameters
    private let seed: UInt64
    private let biases: [(token: TokenID, value: Float)]
    private let hasPenalties: Bool
    private var counts: TokenCounts
    /// Tokens chosen so far.
    private var position: UInt64 = 0

    /// - Parameter fallbackSeed: Used if the parameters have no seed.
    package init(parameters: SamplingParameters, prompt: [TokenID], fallbackSeed: UInt64) {
        self.parameters = parameters
        seed = parameters.seed ?? fallbackSeed
        biases = parameters.logitBias.map { ($0.key, $0.value) }
        hasPenalties = parameters.repetitionPenalty != 1 || parameters.presencePenalty != 0 || parameters.frequencyPenalty != 0
        counts = TokenCounts(prompt: parameters.repetitionPenalty == 1 ? [] : prompt)
    }

    /// The next token.
    ///
    /// - Parameter logits: `[vocabulary]`, not empty; overwritten.
    package mutating func sample(_ logits: UnsafeMutableBufferPointer<Float>) -> TokenID {
        if hasPenalties { penalize(logits) }
        for bias in biases { change(logits, bias.token) { $0 + bias.value } }
        let choice = parameters.temperature == 0 ? greedy(logits) : draw(logits)
        let token = TokenID(truncatingIfNeeded: choice)
        if hasPenalties { counts.record(token) }
        position += 1
        return token
    }

    private func greedy(_ logits: UnsafeMutableBufferPointer<Float>) -> Int {
        Kernels.table.argmax(logits.baseAddress, logits.count)
    }

    /// Uniform in 0..<1, for this place of the reply.
    private var randomNumber: Double {
        var source = RandomSource(seed: seed &+ position &* 0xd134_2543_de82_ef95)
        return source.uniform()
    }
}

// MARK: - Changes to the logits

extension Sampler {
    private func penalize(_ logits: UnsafeMutableBufferPointer<Float>) {
        let repetition = parameters.repetitionPenalty
        for entry in counts.entries {
            change(logits, entry.token) { logit in
                let repeated = logit > 0 ? logit / repetition : logit * repetition
                guard entry.sampled > 0 else { return repeated }
                return repeated - parameters.presencePenalty - parameters.frequencyPenalty * Float(entry.sampled)
            }
        }
    }

    /// Ids outside of the vocabulary are ignored.
    private func change(_ logits: UnsafeMutableBufferPointer<Float>, _ token: TokenID, _ transform: (Float) -> Float) {
        let index = Int(token)
        guard logits.indices.contains(index) else { return }
        logits[index] = transform(logits[index])
    }
}

// MARK: - Drawing

extension Sampler {
    private func draw(_ logits: UnsafeMutableBufferPointer<Float>) -> Int {
        let scale = 1 / parameters.temperature
        let greatest = Kernels.table.max(logits.baseAddress, logits.count)
        // Infinite or missing numbers (a damaged model) leave nothing to draw from.
        guard greatest.isFinite, scale.isFinite else { return greedy(logits) }
        if (1..<logits.count).contains(parameters.topK) {
            return drawFromNucleus(likeliest(logits, greatest: greatest, scale: scale))
        }
        // Subtracting the greatest first keeps tiny temperatures from overflowing.
        for index in logits.indices { logits[index] = (logits[index] - greatest) * scale }
        Kernels.table.softmax(logits.baseAddress, logits.count)
        return parameters.topP < 1 || parameters.minP > 0 ? drawFromNucleus(probable(logits)) : drawFromAll(logits)
    }

    /// The top-k tokens with their probabilities among themselves; of equally likely ones those of lower ids.
    private func likeliest(_ logits: UnsafeMutableBufferPointer<Float>, greatest: Float, scale: Float) -> [Candidate] {
        let top = TopCandidates(logits, count: parameters.topK).candidates
        let weights = top.map { exp(Double(($0.value - greatest) * scale)) }
        let sum = weights.reduce(0, +)
        return zip(top, weights).map { Candidate(token: $0.token, value: Float($1 / sum)) }
    }

    /// Tokens that may be in the nucleus: all tokens below 1 − top-p over the vocabulary's size together weigh less than 1 − top-p.
    private func probable(_ probabilities: UnsafeMutableBufferPointer<Float>) -> [Candidate] {
        let least = max(max(0, 1 - parameters.topP) / Float(probabilities.count), .leastNonzeroMagnitude)
        var candidates: [Candidate] = []
        probabilities.forEachCandidate(above: least) { candidate in
            candidates.append(candidate)
            return least
        }
        return candidates
    }

    /// Draws from the likeliest tokens whose probabilities reach top-p, and of those from the ones that pass min-p.
    private func drawFromNucleus(_ candidates: [Candidate]) -> Int {
        var candidates = candidates
        if parameters.minP > 0, let greatest = candidates.max()?.value {
            candidates.removeAll { $0.value < parameters.minP * greatest }
        }
        let kept = parameters.topP < 1 ? candidates.moveNucleusToFront(mass: Double(parameters.topP)) : candidates.count
        var rest = randomNumber * candidates[..<kept].reduce(0) { $0 + Double($1.value) }
        for candidate in candidates[..<kept] {
            rest -= Double(candidate.value)
            if rest < 0 { return candidate.token }
        }
        return candidates[..<kept].last?.token ?? 0
    }

    /// Draws from all tokens: finds the run of tokens that the random number falls into, then the token.
    private func drawFromAll(_ probabilities: UnsafeMutableBufferPointer<Float>) -> Int {
        let run = 256
        let sums = stride(from: 0, to: probabilities.count, by: run).map { start in
            Double(Self.sum(UnsafeMutableBufferPointer(rebasing: probabilities[start..<min(start + run, probabilities.count)])))
        }
        var rest = randomNumber * sums.reduce(0, +)
        var chosen = sums.indices.last { sums[$0] > 0 } ?? 0
        for index in sums.indices where sums[index] > 0 {
            if rest < sums[index] {
                chosen = index
                break
            }
            rest -= sums[index]
        }
        var last = chosen * run
        for index in chosen * run..<min((chosen + 1) * run, probabilities.count) where probabilities[index] > 0 {
            rest -= Double(probabilities[index])
            last = index
            if rest < 0 { break }
        }
        return last
    }

    private static func sum(_ values: UnsafeMutableBufferPointer<Float>) -> Float {
        guard let base = UnsafeRawPointer(values.baseAddress) else { return 0 }
        var sums = SIMD16<Float>.zero
        let whole = values.count / 16 * 16
        for start in stride(from: 0, to: whole, by: 16) {
            sums += base.loadUnaligned(fromByteOffset: start * 4, as: SIMD16<Float>.self)
        }
        return values[whole...].reduce(sums.sum(), +)
    }
}

extension [Candidate] {
    /// Reorders so that the smallest set of greatest candidates whose values sum up to at least `mass` comes first, in no particular order:
    /// a selection that follows only the part with the set's border. Of equal values the lower ids are in the set.
    ///
    /// - Returns: The size of the set; at least 1 if there is any candidate.
    mutating func moveNucleusToFront(mass: Double) -> Int {
        var (low, high) = (0, count)
        var massBefore = 0.0
        while high - low > 24 {
            let middle = partition(low..<high)
            let part = self[low..<middle].reduce(0) { $0 + Double($1.value) }
            if massBefore + part >= mass {
                high = middle
            } else {
                massBefore += part
                low = middle
            }
        }
        self[low..<high].sort(by: >)
        var kept = low
        while kept < high, kept == 0 || massBefore < mass {
            massBefore += Double(self[kept].value)
            kept += 1
        }
        return kept
    }

    /// Moves the greater ones of `range` to its front. Both parts get at least one.
    private mutating func partition(_ range: Range<Int>) -> Int {
        let (first, middle, last) = (self[range.lowerBound], self[range.lowerBound + range.count / 2], self[range.upperBound - 1])
        let pivot = Swift.max(Swift.min(first, middle), Swift.min(Swift.max(first, middle), last))
        var end = range.lowerBound
        var pivotPlace = range.lowerBound
        for index in range where self[index] >= pivot {
            swapAt(index, end)
            if self[end] == pivot { pivotPlace = end }
            end += 1
        }
        // The pivot, the least of the front, is moved to its border, so that the front shrinks even if everything is in it.
        swapAt(pivotPlace, end - 1)
        return end == range.upperBound ? end - 1 : end
    }
}
