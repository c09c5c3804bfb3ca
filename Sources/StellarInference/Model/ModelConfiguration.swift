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
    /// Inner length of the feed-forward network of layers without experts.
    public var feedForwardSize: Int
    /// Longest sequence that the model was trained for, in tokens.
    public var contextLength: Int
    /// Added to the mean square in RMS norm (Zhang and Sennrich 2019).
    public var normEpsilon: Float
    /// The rotary embeddings that layers choose from; most models have one.
    public var ropes: [RoPEConfiguration]
    /// One a layer.
    public var layers: [LayerConfiguration]

    public var normPlacement = NormPlacement.before
    /// Added to the stored weights of norms at load: 1 in the Hugging Face checkpoints of Gemma, whose GGUF files contain it already.
    public var normOffset: Float = 0
    public var queryKeyNorm = QueryKeyNorm.none
    public var biases = Biases()
    public var activation = Activation.silu
    /// Factor of the products of queries and keys.
    public var attentionScale: Float
    /// c: a product of query and key s becomes c · tanh(s / c); `nil`: none.
    public var attentionSoftCap: Float?
    /// Factor of the token embedding.
    public var embeddingScale: Float = 1
    /// Factor of what a block adds to the residual stream.
    public var residualScale: Float = 1
    /// Factor of the logits.
    public var logitScale: Float = 1
    /// c: a logit s becomes c · tanh(s / c), after `logitScale`; `nil`: none.
    public var logitSoftCap: Float?
    /// Whether the output head is the token embedding even if the file has a tensor for it.
    public var tiesOutputHead = false
    /// Set if any layer has experts.
    public var experts: ExpertConfiguration?

    /// - Parameters:
    ///   - rope: The rotary embedding of all layers; more can be added to `ropes`.
    ///   - layer: What is particular about a layer.
    public init(
        architecture: String,
        vocabularySize: Int,
        hiddenSize: Int,
        layerCount: Int,
        headCount: Int,
        keyValueHeadCount: Int,
        headSize: Int,
        feedForwardSize: Int,
        contextLength: Int,
        normEpsilon: Float,
        rope: RoPEConfiguration,
        layer: (Int) -> LayerConfiguration = { _ in LayerConfiguration() }
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
        ropes = [rope]
        layers = (0..<max(0, min(layerCount, Self.layerCounts.upperBound))).map(layer)
        attentionScale = 1 / Float(max(1, headSize)).squareRoot()
    }

    /// Query heads that share one key and value head.
    public var groupSize: Int { headCount / keyValueHeadCount }
    /// Length of all queries of one token.
    var querySize: Int { headCount * headSize }
    /// Length of all keys, and of all values, of one token.
    var keySize: Int { keyValueHeadCount * headSize }
}

/// What layers of one model may differ in.
public struct LayerConfiguration: Sendable, Equatable {
    /// How many tokens a query sees, itself included; `nil`: all before it.
    public var window: Int?
    /// Index into ``ModelConfiguration/ropes``; `nil`: queries and keys are not rotated.
    public var rope: Int?
    /// Whether the feed-forward network is a mixture of experts.
    public var hasExperts: Bool

    public init(window: Int? = nil, rope: Int? = 0, hasExperts: Bool = false) {
        self.window = window
        self.rope = rope
        self.hasExperts = hasExperts
    }
}

/// A mixture of experts (Shazeer et al. 2017, arXiv:1701.06538): a router gives each token to a few of many feed-forward networks.
public struct ExpertConfiguration: Sendable, Equatable {
    /// Experts that the router chooses from.
    public var count: Int
    /// Experts that each token goes to: those with the greatest probability of a softmax over all.
    public var usedCount: Int
    /// Inner length of one expert.
    public var feedForwardSize: Int
    /// Whether the probabilities of the chosen are scaled to the sum 1: then it makes no difference whether the softmax is taken over all
    /// experts or over the chosen ones.
    public var normalizesWeights: Bool
    /// Experts that every token goes to with weight 1.
    public var sharedCount = 0
    /// Inner length of one shared expert.
    public var sharedFeedForwardSize = 0
    /// Whether the weight of the shared experts is the sigmoid of a linear map of the token's state.
    public var hasSharedGate = false

    public init(count: Int, usedCount: Int, feedForwardSize: Int, normalizesWeights: Bool) {
        self.count = count
        self.usedCount = usedCount
        self.feedForwardSize = feedForwardSize
        self.normalizesWeights = normalizesWeights
    }

    /// Networks that one token goes through.
    var visits: Int { usedCount + sharedCount }
}

extension ModelConfiguration {
    /// Where the RMS norms of attention and feed-forward blocks are.
    public enum NormPlacement: Sendable, Equatable {
        /// x + block(norm(x)).
        case before
        /// x + norm(block(x)): OLMo 2.
        case after
        /// x + norm(block(norm(x))): Gemma 2 and 3.
        case beforeAndAfter

        var isBefore: Bool { self != .after }
        var isAfter: Bool { self != .before }
    }

    /// RMS norm of queries and keys before they are rotated.
    public enum QueryKeyNorm: Sendable, Equatable {
        case none
        /// Each head by itself, with the same weights: Qwen 3, Gemma 3.
        case head
        /// All heads of a token together: OLMo 2.
        case token
    }

    /// Which linear maps add a vector.
    public struct Biases: Sendable, Equatable {
        public var queryKeyValue = false
        public var attentionOutput = false
        public var feedForward = false

        public init() {}
    }

    /// f in f(gate) · up of the feed-forward network.
    public enum Activation: Sendable, Equatable {
        /// x · sigmoid(x).
        case silu
        /// x · Φ(x), by the formula with tanh (Hendrycks and Gimpel 2016, arXiv:1606.08415).
        case geluTanh
    }
}
