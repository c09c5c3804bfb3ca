import Foundation

/// The shape and the numeric choices of a decoder-only transformer, validated: what the forward pass branches on.
///
/// Plain data, filled by a ``ModelArchitecture`` from the keys of a model file. The forward pass never asks for a model's name.
public struct ModelConfiguration: Sendable, Equatable {
    /// Name of the family as the file gives it, for people.
    public var architecture: String
    public var vocabularySize: Int
    /// Length of the residual stream's vectors.
    public var hiddenSize: Int
    public var layerCount: Int
    /// Query heads.
    public var headCount: Int
    /// Key and value heads; divides `headCount` (grouped-query attention, Ainslie et al. 2023).
    public var keyValueHeadCount: Int
    /// Length of one head's query, key and value.
    public var headSize: Int
    /// Inner length of the feed-forward network.
    public var feedForwardSize: Int
    /// Longest sequence that the model was trained for, in tokens.
    public var contextLength: Int
    /// Added to the mean square in RMS norm (Zhang and Sennrich 2019).
    public var normEpsilon: Float
    public var rope: RoPEConfiguration

    public init(
        architecture: String, vocabularySize: Int, hiddenSize: Int, layerCount: Int, headCount: Int, keyValueHeadCount: Int,
        headSize: Int, feedForwardSize: Int, contextLength: Int, normEpsilon: Float, rope: RoPEConfiguration
    ) {
        self.architecture = architecture
        self.vocabularySize = vocabularySize
        self.hiddenSize = hiddenSize
        self.layerCount = layerCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headSize = headSize
        self.feedForwardSize = feedForwardSize
        self.contextLength = contextLength
        self.normEpsilon = normEpsilon
        self.rope = rope
    }

    /// Query heads that share one key and value head.
    public var groupSize: Int { headCount / keyValueHeadCount }

    /// - Throws: ``InferenceError`` `invalidModelFile` naming the first value that is out of range.
    func validated() throws(InferenceError) -> ModelConfiguration {
        let sizes: [(String, Int, ClosedRange<Int>)] = [
            ("vocabulary size", vocabularySize, 1...(1 << 24)),
            ("embedding length", hiddenSize, 1...(1 << 20)),
            ("block count", layerCount, 1...4_096),
            ("attention head count", headCount, 1...65_536),
            ("key/value head count", keyValueHeadCount, 1...65_536),
            ("head size", headSize, 1...4_096),
            ("feed-forward length", feedForwardSize, 1...(1 << 22)),
            ("context length", contextLength, 1...(1 << 28)),
        ]
        for (name, value, allowed) in sizes where !allowed.contains(value) {
            throw Self.invalid("its \(name) is \(value); \(allowed.lowerBound) to \(allowed.upperBound) is possible")
        }
        guard headCount % keyValueHeadCount == 0 else {
            throw Self.invalid("its \(headCount) attention heads can't share \(keyValueHeadCount) key/value heads evenly")
        }
        guard normEpsilon.isFinite, normEpsilon >= 0, normEpsilon < 1 else {
            throw Self.invalid("its RMS norm epsilon is \(normEpsilon)")
        }
        try rope.validate(headSize: headSize)
        return self
    }

    static func invalid(_ reason: String) -> InferenceError {
        InferenceError(.invalidModelFile, "The model file contradicts itself: \(reason). Fetch or convert it again.")
    }
}

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
    /// Positions are divided by this (linear scaling, Chen et al. 2023); 1 is off.
    public var linearFactor: Double

    public init(base: Double, dimensions: Int, pairing: Pairing, linearFactor: Double = 1) {
        self.base = base
        self.dimensions = dimensions
        self.pairing = pairing
        self.linearFactor = linearFactor
    }

    /// Angle per position of each pair, in radians; `dimensions / 2` values.
    ///
    /// - Parameter divisors: One a pair where the file holds them (Llama 3's `rope_freqs`), else empty.
    func frequencies(divisors: [Float]) -> [Double] {
        (0..<dimensions / 2).map { pair in
            let frequency = Foundation.pow(base, -2 * Double(pair) / Double(dimensions)) / linearFactor
            return pair < divisors.count ? frequency / Double(divisors[pair]) : frequency
        }
    }

    func validate(headSize: Int) throws(InferenceError) {
        guard dimensions > 0, dimensions % 2 == 0, dimensions <= headSize else {
            throw ModelConfiguration.invalid("it rotates \(dimensions) elements of heads of size \(headSize)")
        }
        guard base.isFinite, base >= 1, linearFactor.isFinite, linearFactor > 0 else {
            throw ModelConfiguration.invalid("its RoPE base is \(base) and its scaling factor \(linearFactor)")
        }
    }
}
