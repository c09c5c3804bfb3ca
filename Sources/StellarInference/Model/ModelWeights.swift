/// The weights of a transformer by what they are for; immutable once loaded.
package struct ModelWeights: Sendable {
    /// One block: attention, then a feed-forward network, with norms before, after, or both. What a model does not have is `nil`.
    package final class Layer: Sendable {
        /// `[hidden]`.
        let attentionNorm: WeightVector?
        /// hidden → queries | keys | values.
        let queryKeyValue: Projection
        /// `[head size]` or `[heads · head size]`.
        let queryNorm: WeightVector?
        let keyNorm: WeightVector?
        /// heads · head size → hidden.
        let attentionOutput: Projection
        /// `[hidden]`.
        let attentionPostNorm: WeightVector?
        /// `[hidden]`.
        let feedForwardNorm: WeightVector?
        let feedForward: FeedForward
        /// `[hidden]`.
        let feedForwardPostNorm: WeightVector?

        init(
            attentionNorm: WeightVector?,
            queryKeyValue: Projection,
            queryNorm: WeightVector?,
            keyNorm: WeightVector?,
            attentionOutput: Projection,
            attentionPostNorm: WeightVector?,
            feedForwardNorm: WeightVector?,
            feedForward: FeedForward,
            feedForwardPostNorm: WeightVector?
        ) {
            self.attentionNorm = attentionNorm
            self.queryKeyValue = queryKeyValue
            self.queryNorm = queryNorm
            self.keyNorm = keyNorm
            self.attentionOutput = attentionOutput
            self.attentionPostNorm = attentionPostNorm
            self.feedForwardNorm = feedForwardNorm
            self.feedForward = feedForward
            self.feedForwardPostNorm = feedForwardPostNorm
        }
    }

    /// down(f(gate(x)) · up(x)).
    package struct Network: Sendable {
        /// hidden → gate | up.
        let gateUp: Projection
        /// feed-forward → hidden.
        let down: Projection

        /// Inner length.
        var size: Int { down.inputs }
    }

    package enum FeedForward: Sendable {
        case dense(Network)
        case experts(Experts)
    }

    package struct Experts: Sendable {
        /// hidden → experts.
        let router: Projection
        /// hidden → 1: weight of the shared experts, through a sigmoid; `nil`: 1.
        let sharedGate: Projection?
        /// Those that the router chooses from, then the shared ones.
        let networks: [Network]
    }

    /// `[vocabulary, hidden]`.
    let tokenEmbedding: WeightMatrix
    let layers: [Layer]
    /// `[hidden]`.
    let outputNorm: WeightVector
    /// hidden → vocabulary.
    let outputHead: Projection
    let ropeDivisors: RoPEDivisors

    /// Whether all matrices are FP32.
    var isFullPrecision: Bool { projections.allSatisfy(\.isFullPrecision) }

    /// Whether products read floats as they are: with FP32 weights, or with halves that are widened.
    var multipliesFloats: Bool { !projections.contains(where: \.needsPreparedInput) }

    private var projections: [Projection] { layers.flatMap(\.projections) + [outputHead] }
}

extension ModelWeights.Layer {
    fileprivate var projections: [Projection] {
        let networks =
            switch feedForward {
            case .dense(let network): [network]
            case .experts(let experts): experts.networks
            }
        return [queryKeyValue, attentionOutput] + networks.flatMap { [$0.gateUp, $0.down] }
    }
}

/// A vector of FP32 weights, such as a norm's.
package struct WeightVector: @unchecked Sendable {
    // @unchecked: written once before it is shared.
    let base: UnsafePointer<Float>
    let count: Int
    private let owner: FloatBuffer

    init(_ values: FloatBuffer) {
        base = UnsafePointer(values.base)
        count = values.count
        owner = values
    }

    /// A copy.
    var values: [Float] {
        withExtendedLifetime(owner) { Array(UnsafeBufferPointer(start: base, count: count)) }
    }
}
