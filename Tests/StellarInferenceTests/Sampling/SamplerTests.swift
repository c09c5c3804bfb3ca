import Foundation
import StellarInference
import Testing

@Suite("Sampler")
struct SamplerTests {
    private func sample(_ logits: [Float], _ parameters: SamplingParameters, prompt: [TokenID] = [], count: Int = 1) -> [TokenID] {
        var sampler = Sampler(parameters: parameters, prompt: prompt, fallbackSeed: 1)
        return (0..<count).map { _ in
            var copy = logits
            return copy.withUnsafeMutableBufferPointer { sampler.sample($0) }
        }
    }

    /// Share of each token among many draws.
    private func shares(_ logits: [Float], _ parameters: SamplingParameters, draws: Int = 20_000) -> [Double] {
        var counts = [Double](repeating: 0, count: logits.count)
        for token in sample(logits, parameters, count: draws) { counts[Int(token)] += 1 / Double(draws) }
        return counts
    }

    private func softmax(_ logits: [Float]) -> [Double] {
        let exponentials = logits.map { exp(Double($0)) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }

    private let logits: [Float] = [1, 3, 2, -1, 0.5, 2.5]

    @Test("greedy takes the highest logit, and the lowest id of equal ones")
    func greedy() {
        #expect(sample([0, 5, 5, 1], .greedy) == [1])
        #expect(sample([.nan, 1, .nan], .greedy) == [1])
    }

    @Test("draws follow the softmax of logits over temperature", arguments: [Float(0.5), 1, 2])
    func temperature(temperature: Float) {
        let shares = shares(logits, SamplingParameters(temperature: temperature, seed: 3))
        for (share, expected) in zip(shares, softmax(logits.map { $0 / temperature })) { #expect(abs(share - expected) < 0.015) }
    }

    @Test("the same seed gives the same tokens, another seed others")
    func seeds() {
        let parameters = SamplingParameters(temperature: 1.5, seed: 42)
        var other = parameters
        other.seed = 43
        #expect(sample(logits, parameters, count: 50) == sample(logits, parameters, count: 50))
        #expect(sample(logits, parameters, count: 50) != sample(logits, other, count: 50))
    }

    @Test("top-k keeps the k likeliest, of equal ones the lower ids")
    func topK() {
        #expect(Set(sample(logits, SamplingParameters(topK: 2, seed: 1), count: 2_000)) == [1, 5])
        #expect(Set(sample([1, 1, 1, 1], SamplingParameters(topK: 3, seed: 1), count: 2_000)) == [0, 1, 2])
    }

    @Test("top-p keeps the smallest set that reaches it, with the proportions kept")
    func topP() {
        let probabilities = softmax(logits)
        let shares = shares(logits, SamplingParameters(topP: 0.7, seed: 5))
        let kept = [1, 5]  // 0.45 + 0.27 reach 0.7
        let mass = kept.reduce(0) { $0 + probabilities[$1] }
        #expect(mass >= 0.7)
        for index in logits.indices {
            let expected = kept.contains(index) ? probabilities[index] / mass : 0
            #expect(abs(shares[index] - expected) < 0.015)
        }
    }

    @Test("top-p 0 leaves the likeliest token")
    func topPZero() {
        #expect(Set(sample(logits, SamplingParameters(topP: 0, seed: 5), count: 100)) == [1])
    }

    @Test("min-p keeps tokens above its share of the likeliest")
    func minP() {
        #expect(Set(sample(logits, SamplingParameters(minP: 0.5, seed: 5), count: 2_000)) == [1, 5])
    }

    @Test("presence and frequency penalties count generated tokens, the repetition penalty the prompt's too")
    func penalties() {
        let close: [Float] = [2, 1.9, 0]
        #expect(sample(close, SamplingParameters(temperature: 0, presencePenalty: 1), count: 3) == [0, 1, 0])
        #expect(sample(close, SamplingParameters(temperature: 0, frequencyPenalty: 0.3), count: 4) == [0, 1, 0, 1])
        #expect(sample(close, SamplingParameters(temperature: 0, repetitionPenalty: 2), prompt: [0], count: 1) == [1])
        #expect(sample(close, SamplingParameters(temperature: 0, presencePenalty: 2), prompt: [0], count: 1) == [0])
    }

    @Test("a negative logit is made lower by the repetition penalty")
    func negativeLogits() {
        #expect(sample([-1, -1.5], SamplingParameters(temperature: 0, repetitionPenalty: 2), prompt: [0]) == [1])
    }

    @Test("logit bias can force and forbid; ids outside of the vocabulary are ignored")
    func bias() {
        #expect(sample(logits, SamplingParameters(temperature: 0, logitBias: [3: 100, 99: 100, -1: 100])) == [3])
        #expect(!sample(logits, SamplingParameters(logitBias: [1: -100], seed: 2), count: 2_000).contains(1))
    }

    @Test("extreme temperatures and damaged logits give a token of the vocabulary")
    func extremes() {
        for temperature in [Float.leastNonzeroMagnitude, 1e-30, 1e-6, 2] {
            #expect(logits.indices.contains(Int(sample(logits, SamplingParameters(temperature: temperature, seed: 1))[0])))
        }
        for damaged: [Float] in [[.nan, .nan], [.infinity, 1], [-.infinity, -.infinity], [.infinity, .infinity]] {
            #expect(damaged.indices.contains(Int(sample(damaged, SamplingParameters(topK: 1, topP: 0.5, seed: 1))[0])))
        }
    }

    @Test("the random source gives the published xoshiro256** sequence")
    func knownSequence() {
        // State from SplitMix64(0): 0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f, 0xf88bb8a8724c81ec.
        var source = RandomSource(seed: 0)
        #expect(source.next() == 0x99ec_5f36_cb75_f2b4)
        #expect((0..<1_000).allSatisfy { _ in (0..<1).contains(source.uniform()) })
    }
}
