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

extension TensorTable {
    /// The source's tensors by role; every tensor of the source has one.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile` for a tensor that is missing or of another shape than the configuration says,
    ///   `unsupportedModel` for tensors that the architecture does not know and for storage types that can't be computed with.
    func match(_ source: some TensorSource) throws(InferenceError) -> [TensorRole: StoredTensor] {
        var tensors: [TensorRole: StoredTensor] = [:]
        for entry in entries {
            guard let tensor = source.tensor(entry.name) else {
                if !entry.isRequired { continue }
                throw InferenceError(
                    .invalidModelFile,
                    "The model file lacks the tensor \"\(entry.name)\" (\(Self.describe(entry.shape))). Fetch or convert it again."
                )
            }
            guard tensor.shape == entry.shape else {
                throw InferenceError(
                    .invalidModelFile,
                    "The tensor \"\(entry.name)\" has the shape \(Self.describe(tensor.shape)); by the file's metadata it should be "
                        + "\(Self.describe(entry.shape)). Fetch or convert the file again."
                )
            }
            guard tensor.type.isRunnable else {
                throw InferenceError(
                    .unsupportedModel,
                    "The tensor \"\(entry.name)\" is stored as \(tensor.type.name), which this version can't compute with. "
                        + "Supported: \(TensorType.allCases.filter(\.isRunnable).map(\.name).joined(separator: ", "))."
                )
            }
            tensors[entry.role] = tensor
        }
        let names = source.tensorNames
        if tensors.count < names.count {
            let known = Set(entries.map(\.name))
            let unknown = names.filter { !known.contains($0) }
            throw InferenceError(
                .unsupportedModel,
                "The model file holds \(unknown.count) tensors that this architecture does not have, such as "
                    + "\"\(unknown.first ?? "")\". Running it without them would give wrong results."
            )
        }
        return tensors
    }

    private static func describe(_ shape: [Int]) -> String {
        "[" + shape.map(String.init).joined(separator: ", ") + "]"
    }
}
