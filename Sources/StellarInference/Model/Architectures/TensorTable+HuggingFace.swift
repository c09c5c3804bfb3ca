extension TensorTable {
    /// How a family names the tensors of its experts.
    struct HuggingFaceExperts {
        /// What stands between the layer and the router and experts.
        var block = "mlp."
        var gate = "gate_proj"
        var up = "up_proj"
        var down = "down_proj"
        /// The name of each shared expert.
        var shared: (Int) -> String = { _ in "shared_expert" }
    }

    /// The tensors of a Hugging Face directory: Llama's names, which most families share. Query, key and value, and gate and up, may also
    /// be one tensor each, and so may all experts of a layer (as `transformers` 5 has them in memory).
    init(huggingFace configuration: ModelConfiguration, experts names: HuggingFaceExperts = HuggingFaceExperts()) {
        self.init()
        prefixes = ["model.", "language_model.model.", "model.language_model."]
        ignoredSuffixes = [".rotary_emb.inv_freq"]
        let hidden = configuration.hiddenSize
        must(.tokenEmbedding, "model.embed_tokens.weight", configuration.vocabularySize, hidden)
        must(.outputNorm, "model.norm.weight", hidden)
        if configuration.tiesOutputHead {
            may(.outputHead, "lm_head.weight", configuration.vocabularySize, hidden)
        } else {
            must(.outputHead, "lm_head.weight", configuration.vocabularySize, hidden)
        }
        for layer in 0..<configuration.layerCount {
            addNorms(huggingFace: configuration, layer)
            addAttention(huggingFace: configuration, layer)
            if configuration.layers[layer].hasExperts, let experts = configuration.experts {
                addExperts(huggingFace: configuration, experts, names, layer)
            } else {
                addNetwork(
                    "model.layers.\(layer).mlp.",
                    HuggingFaceExperts(),
                    [configuration.feedForwardSize, hidden],
                    hasBias: configuration.biases.feedForward
                ) { .layer(layer, .network($0)) }
            }
        }
    }

    private mutating func addNorms(huggingFace configuration: ModelConfiguration, _ layer: Int) {
        let hidden = configuration.hiddenSize
        let block = "model.layers.\(layer)."
        if configuration.normPlacement == .before {
            must(.layer(layer, .attentionNorm), block + "input_layernorm.weight", hidden)
            must(.layer(layer, .feedForwardNorm), block + "post_attention_layernorm.weight", hidden)
            return
        }
        if configuration.normPlacement.isBefore {
            must(.layer(layer, .attentionNorm), block + "input_layernorm.weight", hidden)
            must(.layer(layer, .feedForwardNorm), block + "pre_feedforward_layernorm.weight", hidden)
        }
        must(.layer(layer, .attentionPostNorm), block + "post_attention_layernorm.weight", hidden)
        must(.layer(layer, .feedForwardPostNorm), block + "post_feedforward_layernorm.weight", hidden)
    }

    private mutating func addAttention(huggingFace configuration: ModelConfiguration, _ layer: Int) {
        let (hidden, queries, keys) = (configuration.hiddenSize, configuration.querySize, configuration.keySize)
        let block = "model.layers.\(layer).self_attn."
        let weights: [(LayerTensor, Int, String)] = [(.query, queries, "q_proj"), (.key, keys, "k_proj"), (.value, keys, "v_proj")]
        for (role, rows, name) in weights { must(.layer(layer, role), block + name + ".weight", rows, hidden) }
        let parts = weights.map { Part(role: .layer(layer, $0.0), rows: $0.1) }
        add(parts, block + "qkv_proj.weight", [queries + 2 * keys, hidden], isRequired: false)
        must(.layer(layer, .attentionOutput), block + "o_proj.weight", hidden, queries)
        if configuration.biases.queryKeyValue {
            must(.layer(layer, .queryBias), block + "q_proj.bias", queries)
            must(.layer(layer, .keyBias), block + "k_proj.bias", keys)
            must(.layer(layer, .valueBias), block + "v_proj.bias", keys)
        }
        if configuration.biases.attentionOutput { must(.layer(layer, .attentionOutputBias), block + "o_proj.bias", hidden) }
        guard configuration.queryKeyNorm != .none else { return }
        let isPerHead = configuration.queryKeyNorm == .head
        must(.layer(layer, .queryNorm), block + "q_norm.weight", isPerHead ? configuration.headSize : queries)
        must(.layer(layer, .keyNorm), block + "k_norm.weight", isPerHead ? configuration.headSize : keys)
    }

    /// - Parameter shape: Of the gate: `[inner, hidden]`.
    private mutating func addNetwork(
        _ block: String,
        _ names: HuggingFaceExperts,
        _ shape: [Int],
        hasBias: Bool = false,
        role: (NetworkTensor) -> TensorRole
    ) {
        let (inner, hidden) = (shape[0], shape[1])
        must(role(.gate), block + names.gate + ".weight", inner, hidden)
        must(role(.up), block + names.up + ".weight", inner, hidden)
        must(role(.down), block + names.down + ".weight", hidden, inner)
        let parts = [Part(role: role(.gate), rows: inner), Part(role: role(.up), rows: inner)]
        add(parts, block + "gate_up_proj.weight", [2 * inner, hidden], isRequired: false)
        guard hasBias else { return }
        must(role(.gateBias), block + names.gate + ".bias", inner)
        must(role(.upBias), block + names.up + ".bias", inner)
        must(role(.downBias), block + names.down + ".bias", hidden)
    }

    private mutating func addExperts(
        huggingFace configuration: ModelConfiguration,
        _ experts: ExpertConfiguration,
        _ names: HuggingFaceExperts,
        _ layer: Int
    ) {
        let (hidden, inner) = (configuration.hiddenSize, experts.feedForwardSize)
        let block = "model.layers.\(layer)." + names.block
        must(.layer(layer, .router), block + "gate.weight", experts.count, hidden)
        for index in 0..<experts.count {
            addNetwork(block + "experts.\(index).", names, [inner, hidden]) { .expert(layer: layer, index: index, $0) }
        }
        for index in 0..<experts.sharedCount {
            addNetwork(block + names.shared(index) + ".", names, [experts.sharedFeedForwardSize, hidden]) {
                .expert(layer: layer, index: experts.count + index, $0)
            }
        }
        if experts.hasSharedGate { must(.layer(layer, .sharedGate), block + "shared_expert_gate.weight", 1, hidden) }
        let stacked = "model.layers.\(layer).mlp."
        if names.block != "mlp." { may(.layer(layer, .router), stacked + "gate.weight", experts.count, hidden) }
        let gateUp = (0..<experts.count).flatMap { index in
            [NetworkTensor.gate, .up].map { Part(role: .expert(layer: layer, index: index, $0), rows: inner) }
        }
        add(gateUp, stacked + "experts.gate_up_proj", [experts.count, 2 * inner, hidden], isRequired: false)
        let down = (0..<experts.count).map { Part(role: .expert(layer: layer, index: $0, .down), rows: hidden) }
        add(down, stacked + "experts.down_proj", [experts.count, hidden, inner], isRequired: false)
    }
}
