/// What a tensor is for: the name by which the model asks for it, whatever the file calls it.
package enum TensorRole: Hashable, Sendable {
    case tokenEmbedding
    case outputNorm
    /// Absent in files whose output head is the token embedding.
    case outputHead
    /// Divisors of the RoPE frequencies.
    case ropeDivisors
    /// LongRoPE's divisors up to the original context length, and beyond.
    case ropeShortFactors
    case ropeLongFactors
    case layer(Int, LayerTensor)
    /// Of one expert of a layer; the shared experts follow those that the router chooses from.
    case expert(layer: Int, index: Int, NetworkTensor)

    /// Whether it holds the weights of an RMS norm.
    var isNorm: Bool {
        switch self {
        case .outputNorm: return true
        case .layer(_, let tensor):
            return [.attentionNorm, .queryNorm, .keyNorm, .attentionPostNorm, .feedForwardNorm, .feedForwardPostNorm].contains(tensor)
        default: return false
        }
    }
}

/// The tensors of one block.
package enum LayerTensor: Hashable, Sendable {
    case attentionNorm
    case query
    case key
    case value
    case queryBias
    case keyBias
    case valueBias
    case queryNorm
    case keyNorm
    case attentionOutput
    case attentionOutputBias
    case attentionPostNorm
    case feedForwardNorm
    case network(NetworkTensor)
    case feedForwardPostNorm
    /// hidden → experts.
    case router
    /// hidden → 1: weight of the shared experts.
    case sharedGate
}

/// The tensors of one gated feed-forward network.
package enum NetworkTensor: Hashable, Sendable {
    case gate
    case up
    case down
    case gateBias
    case upBias
    case downBias
}
