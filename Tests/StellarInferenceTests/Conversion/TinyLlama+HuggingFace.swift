import Foundation
import StellarInference

extension TinyLlama {
    /// A shape that a Hugging Face configuration can express, with rows that blocks of 32 divide.
    static let portableShape: Shape = {
        var shape = Shape()
        (shape.hidden, shape.heads, shape.keyValueHeads, shape.headSize) = (64, 4, 2, 16)
        (shape.inner, shape.ropeDimensions) = (96, 16)
        return shape
    }()

    /// Writes the model as a Hugging Face directory, with names and rows in the order of such files.
    func writeHuggingFace(to directory: TemporaryDirectory, dtype: String = "F32", shards: Int = 1) throws {
        let configuration: [String: Any] = [
            "model_type": "llama", "vocab_size": shape.vocabulary, "hidden_size": shape.hidden, "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads, "num_key_value_heads": shape.keyValueHeads, "head_dim": shape.headSize,
            "intermediate_size": shape.inner, "max_position_embeddings": 256, "rms_norm_eps": shape.epsilon, "rope_theta": shape.ropeBase,
            "tie_word_embeddings": !shape.hasOutputHead, "hidden_act": "silu",
        ]
        try directory.write("config.json", Array(JSONSerialization.data(withJSONObject: configuration)))
        var writers = [SafetensorsWriter](repeating: SafetensorsWriter(), count: shards)
        var map: [String: String] = [:]
        for (index, tensor) in tensors.enumerated() {
            let name = Self.huggingFaceName(tensor.name)
            writers[index % shards].add(name, tensor.dimensions.reversed(), floats: huggingFaceRows(tensor.name), dtype: dtype)
            map[name] = shards == 1 ? nil : "model-\(index % shards).safetensors"
        }
        for (index, writer) in writers.enumerated() {
            try directory.write(shards == 1 ? "model.safetensors" : "model-\(index).safetensors", writer.bytes())
        }
        if shards == 1 { return }
        try directory.write("model.safetensors.index.json", Array(JSONSerialization.data(withJSONObject: ["weight_map": map])))
    }

    /// The name of a tensor of a GGUF file in Hugging Face's spelling.
    static func huggingFaceName(_ name: String) -> String {
        let parts = name.split(separator: ".").map(String.init)
        let names = [
            "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
            "attn_k": "self_attn.k_proj",
            "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
            "ffn_down": "mlp.down_proj", "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
        ]
        if parts[0] == "blk" { return "model.layers.\(parts[1]).\(names[parts[2]] ?? parts[2]).weight" }
        return "\(names[parts[0]] ?? parts[0]).weight"
    }

    /// Rows of Q and K: pairs (2i, 2i + 1) become pairs (i, i + d/2).
    private func huggingFaceRows(_ name: String) -> [Float] {
        let values = weights[name] ?? []
        guard name.contains("attn_q.") || name.contains("attn_k.") else { return values }
        let (width, half) = (shape.hidden, shape.headSize / 2)
        return (0..<values.count / width).flatMap { row -> ArraySlice<Float> in
            let (head, place) = (row / shape.headSize, row % shape.headSize)
            let source = head * shape.headSize + place % half * 2 + place / half
            return values[source * width..<(source + 1) * width]
        }
    }
}
