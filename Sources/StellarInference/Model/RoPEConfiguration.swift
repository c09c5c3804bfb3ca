import Foundation

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864).
public struct RoPEConfiguration: Sendable, Equatable {
    /// Which elements of a head are rotated together.
    public enum Pairing: Sendable, Equatable {
        /// (2i, 2i + 1): as in the paper, and the row order of Llama weights in GGUF files.
        case interleaved
        /// (i, i + d/2): the row order of Hugging Face checkpoints ("rotate half").
        case half
    }

    /// θ: pair i turns by position · θ^(−2i/d).
    public var base: Double
    /// Leading elements of a head that are rotated; even.
    public var dimensions: Int
    public var pairing: Pairing
    /// How the model reads further than it was first trained for.
    public var scaling: RoPEScaling

    public init(base: Double, dimensions: Int, pairing: Pairing, scaling: RoPEScaling = .none) {
        self.base = base
        self.dimensions = dimensions
        self.pairing = pairing
        self.scaling = scaling
    }

    func validate(headSize: Int) throws(InferenceError) {
        guard dimensions > 0, dimensions % 2 == 0, dimensions <= headSize else {
            throw ModelConfiguration.invalid("it rotates \(dimensions) elements of heads of size \(headSize)")
        }
        guard base.isFinite, base >= 1 else { throw ModelConfiguration.invalid("its RoPE base is \(base)") }
        try scaling.validate(pairs: dimensions / 2)
    }
}

/// A change of the rotary embedding's angles that lets a model read longer sequences.
public enum RoPEScaling: Sendable, Equatable {
    case none
    /// Positions are divided by the factor (Chen et al. 2023, arXiv:2306.15595).
    case linear(factor: Double)
    /// The base grows with the position beyond the original length ("dynamic NTK").
    ///
    /// A position's angles depend on that position alone, so that a sequence's results do not depend on the chunks in which it is read:
    /// what `transformers` computes when it reads a sequence token by token.
    case dynamic(factor: Double, originalLength: Int)
    case llama3(Llama3Scaling)
    case yarn(YaRNScaling)
    case longRoPE(LongRoPEScaling)
    case stellarByte(StellarByteScaling)
}

/// Llama 3.1's scaling: long waves are stretched, short ones kept, those in between blended.
public struct Llama3Scaling: Sendable, Equatable {
    public var factor: Double
    public var lowFrequencyFactor: Double
    public var highFrequencyFactor: Double
    public var originalLength: Int

    public init(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalLength: Int) {
        self.factor = factor
        self.lowFrequencyFactor = lowFrequencyFactor
        self.highFrequencyFactor = highFrequencyFactor
        self.originalLength = originalLength
    }
}

/// YaRN (Peng et al. 2023, arXiv:2309.00071).
public struct YaRNScaling: Sendable, Equatable {
    public var factor: Double
    public var originalLength: Int
    /// Turns within the original length above which a pair keeps its angle.
    public var betaFast: Double
    /// Turns below which a pair's angle is divided by the factor.
    public var betaSlow: Double
    /// Factor of cosines and sines, and so, squared, of the products of queries and keys.
    public var attentionFactor: Double
    /// Whether the limits of the blended pairs are rounded outwards.
    public var truncates: Bool

    public init(
        factor: Double,
        originalLength: Int,
        betaFast: Double = 32,
        betaSlow: Double = 1,
        attentionFactor: Double,
        truncates: Bool = true
    ) {
        self.factor = factor
        self.originalLength = originalLength
        self.betaFast = betaFast
        self.betaSlow = betaSlow
        self.attentionFactor = attentionFactor
        self.truncates = truncates
    }

    /// The paper's attention factor: 0.1 · `magnitude` · ln(`factor`) + 1.
    public static func attentionFactor(_ factor: Double, magnitude: Double = 1) -> Double {
        factor <= 1 ? 1 : 0.1 * magnitude * log(factor) + 1
    }
}

/// LongRoPE (Ding et al. 2024, arXiv:2402.13753): a divisor for each pair, from one of two lists.
public struct LongRoPEScaling: Sendable, Equatable {
    /// Divisors while the context in use is not longer than `originalLength`; empty if the file holds them as tensors.
    public var shortFactors: [Double]
    /// Divisors beyond.
    public var longFactors: [Double]
    public var originalLength: Int
    /// Factor of cosines and sines.
    public var attentionFactor: Double

    public init(shortFactors: [Double], longFactors: [Double], originalLength: Int, attentionFactor: Double) {
        self.shortFactors = shortFactors
        self.longFactors = longFactors
        self.originalLength = originalLength
        self.attentionFactor = attentionFactor
    }
}

/// StellarByte's variant of YaRN: blends by a β that rises from pair to pair; no attention factor.
public struct StellarByteScaling: Sendable, Equatable {
    public var factor: Double
    public var originalLength: Int
    public var betaFast: Double
    public var betaSlow: Double

    public init(factor: Double = 4, originalLength: Int = 2_048, betaFast: Double = 4, betaSlow: Double = 1) {
        self.factor = factor
        self.originalLength = originalLength
        self.betaFast = betaFast
        self.betaSlow = betaSlow
    }
}

extension RoPEScaling {
    func validate(pairs: Int) throws(InferenceError) {
        var factors: [Double] = []
        var lengths: [Int] = []
        switch self {
        case .none: break
        case .linear(let factor): factors = [factor]
        case .dynamic(let factor, let length): (factors, lengths) = ([factor], [length])
        case .llama3(let scaling):
            factors = [scaling.factor, scaling.lowFrequencyFactor, scaling.highFrequencyFactor]
            lengths = [scaling.originalLength]
        case .yarn(let scaling):
            (factors, lengths) = ([scaling.factor, scaling.betaFast, scaling.betaSlow, scaling.attentionFactor], [scaling.originalLength])
        case .stellarByte(let scaling):
            (factors, lengths) = ([scaling.factor, scaling.betaFast, scaling.betaSlow], [scaling.originalLength])
        case .longRoPE(let scaling):
            (factors, lengths) = (scaling.shortFactors + scaling.longFactors + [scaling.attentionFactor], [scaling.originalLength])
            for list in [scaling.shortFactors, scaling.longFactors] where !list.isEmpty && list.count != pairs {
                throw ModelConfiguration.invalid("it has \(list.count) RoPE factors for \(pairs) pairs")
            }
        }
        guard factors.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw ModelConfiguration.invalid("a value of its RoPE scaling is not a positive number")
        }
        guard lengths.allSatisfy({ (1...1 << 28).contains($0) }) else {
            throw ModelConfiguration.invalid("the original context length of its RoPE scaling is \(lengths[0])")
        }
    }
}
