/// What a tensor is for: the name by which the model asks for it, whatever the file calls it.
package enum TensorRole: Hashable, Sendable {
    case tokenEmbedding
    case outputNorm
    /// Absent in files whose output head is the token embedding.
    case outputHead
    /// Divisors of the RoPE frequencies.
    case ropeDivisors
    case layer(Int, LayerTensor)
}

/// The tensors of one block.
package enum LayerTensor: Hashable, Sendable {
    case attentionNorm
    case query
    case key
    case value
    case attentionOutput
    case feedForwardNorm
    case gate
    case up
    case down
}

/// The tensors that an architecture expects, with names and shapes: checked against the file before anything is computed.
package struct TensorTable: Sendable {
    package struct Entry: Sendable {
        package let role: TensorRole
        /// The name in the file.
        package let name: String
        /// `[outputs, inputs]` or `[length]`.
        package let shape: [Int]
        package let isRequired: Bool
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    package mutating func must(_ role: TensorRole, _ name: String, _ shape: Int...) {
        entries.append(Entry(role: role, name: name, shape: shape, isRequired: true))
    }

    package mutating func may(_ role: TensorRole, _ name: String, _ shape: Int...) {
        entries.append(Entry(role: role, name: name, shape: shape, isRequired: false))
    }
}
