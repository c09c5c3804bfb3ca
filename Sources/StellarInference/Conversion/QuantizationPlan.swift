/// What a model is quantised to.
// swift-format-ignore: AlwaysUseLowerCamelCase
package enum QuantizationTarget: String, Sendable, CaseIterable {
    case q8_0 = "Q8_0"
    case q4_0 = "Q4_0"
    case q4_1 = "Q4_1"
    case q4_K = "Q4_K"
    case q6_K = "Q6_K"
    case f16 = "F16"

    var type: TensorType {
        switch self {
        case .q8_0: .q8_0
        case .q4_0: .q4_0
        case .q4_1: .q4_1
        case .q4_K: .q4_K
        case .q6_K: .q6_K
        case .f16: .f16
        }
    }

    /// `general.file_type` of GGUF files; Q4_K is the mixture that is known as Q4_K_M.
    var fileType: UInt32 {
        switch self {
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q8_0: 7
        case .q4_K: 15
        case .q6_K: 18
        }
    }
}

/// Which type each tensor of a GGUF file gets.
///
/// As in llama.cpp: vectors and routers stay F32; the output head (the embedding, if that is the head) is Q6_K in files of 4 bits; of Q4_K
/// files also the values and the down projections of the first, the last and every third layer in between. A type whose blocks do not divide
/// the rows gives way to a finer one that does.
package struct QuantizationPlan: Sendable {
    package let target: QuantizationTarget
    private let headName: String
    private let layerCount: Int

    /// - Parameter names: All tensors of the file.
    package init(_ target: QuantizationTarget, names: [String]) {
        self.target = target
        headName = names.contains("output.weight") ? "output.weight" : "token_embd.weight"
        layerCount = (names.compactMap(Self.layer).max() ?? -1) + 1
    }

    package func type(of name: String, shape: [Int]) -> TensorType {
        guard shape.count >= 2, name.hasSuffix(".weight"), !name.contains("_norm."), !name.contains("ffn_gate_inp") else { return .f32 }
        return Self.fitting(wanted(name), rowLength: shape.last ?? 1)
    }

    private func wanted(_ name: String) -> TensorType {
        if target == .f16 || target == .q8_0 { return target.type }
        if name == headName { return .q6_K }
        let isSensitive = name.contains("attn_v.") || name.contains("ffn_down")
        guard target == .q4_K, isSensitive, let layer = Self.layer(name) else { return target.type }
        let isOuter = layer < layerCount / 8 || layer >= 7 * layerCount / 8
        return isOuter || (layer - layerCount / 8) % 3 == 2 ? .q6_K : .q4_K
    }

    /// `type`, or the next finer one whose blocks divide the rows.
    static func fitting(_ type: TensorType, rowLength: Int) -> TensorType {
        if rowLength % type.blockSize == 0 { return type }
        switch type {
        case .q4_K: return fitting(.q5_0, rowLength: rowLength)
        case .q6_K: return fitting(.q8_0, rowLength: rowLength)
        default: return .f16
        }
    }

    private static func layer(_ name: String) -> Int? {
        guard name.hasPrefix("blk.") else { return nil }
        return Int(name.dropFirst(4).prefix { $0 != "." })
    }
}
