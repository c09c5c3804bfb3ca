extension TensorTable {
    /// How a file holds some of its tensors.
    struct GGUFVariant {
        /// `attn_qkv` holds the rows of queries, keys and values, `ffn_up` those of the gate and of up.
        var joinsProjections = false
        /// The output head is there even if it is the token embedding.
        var hasOutputHead = false
    }

    /// The tensors of a GGUF file, whose names are the same for all architectures.
    ///
    /// Source: `gguf-py/gguf/constants.py` (names) of the llama.cpp project.
    init(gguf configuration: ModelConfiguration, _ variant: GGUFVariant = GGUFVariant()) {
        self.init()
        let hidden = configuration.hiddenSize
        must(.tokenEmbedding, "token_embd.weight", configuration.vocabularySize, hidden)
        must(.outputNorm, "output_norm.weight", hidden)
        if variant.hasOutputHead {
            must(.outputHead, "output.weight", configuration.vocabularySize, hidden)
        } else {
            may(.outputHead, "output.weight", configuration.vocabularySize, hidden)
        }
        let pairs = configuration.ropes.first.map { $0.dimensions / 2 } ?? 0
        may(.ropeDivisors, "rope_freqs.weight", pairs)
        if case .longRoPE(let scaling) = configuration.ropes.first?.scaling, scaling.longFactors.isEmpty {
            must(.ropeShortFactors, "rope_factors_short.weight", pairs)
            must(.ropeLongFactors, "rope_factors_long.weight", pairs)
        }
        for layer in 0..<configuration.layerCount {
            addAttention(gguf: configuration, variant, layer)
            if configuration.layers[layer].hasExperts, let experts = configuration.experts {
                addExperts(gguf: configuration, experts, layer)
            } else {
                addNetwork(gguf: configuration, variant, layer)
            }
        }
    }

    private mutating func addAttention(gguf configuration: ModelConfiguration, _ variant: GGUFVariant, _ layer: Int) {
        let (hidden, queries, keys) = (configuration.hiddenSize, configuration.querySize, configuration.keySize)
        let block = "blk.\(layer)."
        if configuration.normPlacement.isBefore { must(.layer(layer, .attentionNorm), block + "attn_norm.weight", hidden) }
        if configuration.normPlacement.isAfter { must(.layer(layer, .attentionPostNorm), block + "post_attention_norm.weight", hidden) }
        let weights: [(LayerTensor, Int, String)] = [(.query, queries, "attn_q"), (.key, keys, "attn_k"), (.value, keys, "attn_v")]
        let biases: [(LayerTensor, Int, String)] = [
            (.queryBias, queries, "attn_q"), (.keyBias, keys, "attn_k"), (.valueBias, keys, "attn_v"),
        ]
        // Both forms are read everywhere; the first is the one that is written.
        if variant.joinsProjections { addJoined(block + "attn_qkv", weights, biases, hidden, layer) }
        for (role, rows, name) in weights { must(.layer(layer, role), block + name + ".weight", rows, hidden) }
        for (role, rows, name) in biases { may(.layer(layer, role), block + name + ".bias", rows) }
        if !variant.joinsProjections { addJoined(block + "attn_qkv", weights, biases, hidden, layer) }
        must(.layer(layer, .attentionOutput), block + "attn_output.weight", hidden, queries)
        may(.layer(layer, .attentionOutputBias), block + "attn_output.bias", hidden)
        guard configuration.queryKeyNorm != .none else { return }
        let isPerHead = configuration.queryKeyNorm == .head
        must(.layer(layer, .queryNorm), block + "attn_q_norm.weight", isPerHead ? configuration.headSize : queries)
        must(.layer(layer, .keyNorm), block + "attn_k_norm.weight", isPerHead ? configuration.headSize : keys)
    }

    private mutating func addJoined(
        _ name: String,
        _ weights: [(LayerTensor, Int, String)],
        _ biases: [(LayerTensor, Int, String)],
        _ hidden: Int,
        _ layer: Int
    ) {
        let rows = weights.reduce(0) { $0 + $1.1 }
        add(weights.map { Part(role: .layer(layer, $0.0), rows: $0.1) }, name + ".weight", [rows, hidden], isRequired: false)
        add(biases.map { Part(role: .layer(layer, $0.0), rows: $0.1) }, name + ".bias", [rows], isRequired: false)
    }

    private mutating func addNetwork(gguf configuration: ModelConfiguration, _ variant: GGUFVariant, _ layer: Int) {
        let (hidden, inner) = (configuration.hiddenSize, configuration.feedForwardSize)
        let block = "blk.\(layer)."
        addFeedForwardNorms(gguf: configuration, layer)
        if variant.joinsProjections {
            let parts = [NetworkTensor.gate, .up].map { Part(role: .layer(layer, .network($0)), rows: inner) }
            add(parts, block + "ffn_up.weight", [2 * inner, hidden], isRequired: true)
        } else {
            must(.layer(layer, .network(.gate)), block + "ffn_gate.weight", inner, hidden)
            must(.layer(layer, .network(.up)), block + "ffn_up.weight", inner, hidden)
            may(.layer(layer, .network(.gateBias)), block + "ffn_gate.bias", inner)
            may(.layer(layer, .network(.upBias)), block + "ffn_up.bias", inner)
        }
        must(.layer(layer, .network(.down)), block + "ffn_down.weight", hidden, inner)
        may(.layer(layer, .network(.downBias)), block + "ffn_down.bias", hidden)
    }

    private mutating func addFeedForwardNorms(gguf configuration: ModelConfiguration, _ layer: Int) {
        let hidden = configuration.hiddenSize
        if configuration.normPlacement.isBefore { must(.layer(layer, .feedForwardNorm), "blk.\(layer).ffn_norm.weight", hidden) }
        if configuration.normPlacement.isAfter { must(.layer(layer, .feedForwardPostNorm), "blk.\(layer).post_ffw_norm.weight", hidden) }
    }

    /// The experts of a layer are stacked in one tensor for gate, up and down each; old files of Mixtral have one for each expert.
    private mutating func addExperts(gguf configuration: ModelConfiguration, _ experts: ExpertConfiguration, _ layer: Int) {
        let (hidden, inner) = (configuration.hiddenSize, experts.feedForwardSize)
        let block = "blk.\(layer)."
        addFeedForwardNorms(gguf: configuration, layer)
        must(.layer(layer, .router), block + "ffn_gate_inp.weight", experts.count, hidden)
        let tensors: [(NetworkTensor, String, [Int])] = [
            (.gate, "ffn_gate", [inner, hidden]), (.up, "ffn_up", [inner, hidden]), (.down, "ffn_down", [hidden, inner]),
        ]
        for (role, name, shape) in tensors {
            let parts = (0..<experts.count).map { Part(role: .expert(layer: layer, index: $0, role), rows: shape[0]) }
            add(parts, block + name + "_exps.weight", [experts.count] + shape, isRequired: true)
            for part in parts.indices { add([parts[part]], block + name + ".\(part).weight", shape, isRequired: false) }
        }
        guard experts.sharedCount == 1 else { return }
        let shared = experts.sharedFeedForwardSize
        must(.expert(layer: layer, index: experts.count, .gate), block + "ffn_gate_shexp.weight", shared, hidden)
        must(.expert(layer: layer, index: experts.count, .up), block + "ffn_up_shexp.weight", shared, hidden)
        must(.expert(layer: layer, index: experts.count, .down), block + "ffn_down_shexp.weight", hidden, shared)
        if experts.hasSharedGate { must(.layer(layer, .sharedGate), block + "ffn_gate_inp_shexp.weight", hidden) }
    }
}
