/// The weights of a transformer by what they are for; immutable once loaded.
package struct ModelWeights: Sendable {
    /// One block: pre-norm attention, then a pre-norm gated feed-forward network.
    package struct Layer: Sendable {
        /// `[hidden]`.
        let attentionNorm: WeightVector
        /// hidden → queries | keys | values.
        let queryKeyValue: Projection
        /// heads · head size → hidden.
        let attentionOutput: Projection
        /// `[hidden]`.
        let feedForwardNorm: WeightVector
        /// hidden → gate | up.
        let gateUp: Projection
        /// feed-forward → hidden.
        let down: Projection
    }

    /// `[vocabulary, hidden]`.
    let tokenEmbedding: WeightMatrix
    let layers: [Layer]
    /// `[hidden]`.
    let outputNorm: WeightVector
    /// hidden → vocabulary.
    let outputHead: Projection
    /// Angle per position of each RoPE pair.
    let ropeFrequencies: [Double]
}

extension ModelWeights {
    /// All weights are FP32.
    var isFullPrecision: Bool {
        tokenEmbedding.type == .f32 && layers.allSatisfy(\.isFullPrecision)
    }
}

extension ModelWeights.Layer {
    fileprivate var isFullPrecision: Bool {
        [queryKeyValue, attentionOutput, gateUp, down].allSatisfy { $0.matrices.allSatisfy { $0.type == .f32 } }
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
}
