/// The tensors that an architecture expects, with names and shapes: checked against the file before anything is computed.
package struct TensorTable: Sendable {
    package struct Entry: Sendable {
        /// What the tensor's rows are for, in their order: one role for a plain tensor, several for one that holds several side by side.
        package let parts: [Part]
        /// The name in the file.
        package let name: String
        /// Outermost dimension first: `[outputs, inputs]`, `[length]`, or `[experts, outputs, inputs]`.
        package let shape: [Int]
        package let isRequired: Bool
    }

    package struct Part: Sendable {
        package let role: TensorRole
        /// Rows of the tensor seen as a matrix (elements of a vector).
        package let rows: Int
    }

    package private(set) var entries: [Entry] = []
    /// Beginnings of names in the order in which they are tried: a tensor "model.x" is also found as "language_model.model.x" if that is
    /// the second and "model." the first.
    package var prefixes: [String] = []
    /// Tensors that are known and not needed: by the beginning and by the end of their names.
    package var ignoredPrefixes: [String] = []
    package var ignoredSuffixes: [String] = []

    package init() {}

    package mutating func must(_ role: TensorRole, _ name: String, _ shape: Int...) {
        add([Part(role: role, rows: shape.dropLast().reduce(1, *))], name, shape, isRequired: true)
    }

    package mutating func may(_ role: TensorRole, _ name: String, _ shape: Int...) {
        add([Part(role: role, rows: shape.dropLast().reduce(1, *))], name, shape, isRequired: false)
    }

    /// A tensor that holds the rows of several roles one after the other.
    ///
    /// - Parameter isRequired: A tensor that is required may still be missing if others fill all its roles.
    package mutating func add(_ parts: [Part], _ name: String, _ shape: [Int], isRequired: Bool) {
        entries.append(Entry(parts: parts, name: name, shape: shape, isRequired: isRequired))
    }
}

extension TensorTable {
    /// The source's tensors by role; every tensor of the source has one or is known not to be needed.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile` for a tensor that is missing or of another shape than the configuration says,
    ///   `unsupportedModel` for tensors that the architecture does not know and for storage types that can't be computed with.
    func match(_ source: some TensorSource) throws(InferenceError) -> [TensorRole: StoredTensor] {
        var tensors: [TensorRole: StoredTensor] = [:]
        var used: Set<String> = []
        var missing: [Entry] = []
        for entry in entries {
            guard let tensor = find(entry.name, in: source) else {
                if entry.isRequired { missing.append(entry) }
                continue
            }
            try Self.check(tensor, entry)
            used.insert(tensor.name)
            var row = 0
            for part in entry.parts {
                guard tensors.updateValue(try tensor.slice(row, part.rows, of: entry), forKey: part.role) == nil else {
                    throw InferenceError(
                        .invalidModelFile,
                        "The model holds the weights in the tensor \"\(tensor.name)\" a second time. Fetch or convert it again."
                    )
                }
                row += part.rows
            }
        }
        if let entry = missing.first(where: { !$0.parts.allSatisfy { tensors[$0.role] != nil } }) {
            throw InferenceError(
                .invalidModelFile,
                "The model file lacks the tensor \"\(entry.name)\" (\(Self.describe(entry.shape))). Fetch or convert it again."
            )
        }
        try refuseUnknown(source.tensorNames.filter { !used.contains($0) })
        return tensors
    }

    private func find(_ name: String, in source: some TensorSource) -> StoredTensor? {
        if let tensor = source.tensor(name) { return tensor }
        guard let first = prefixes.first, name.hasPrefix(first) else { return nil }
        for prefix in prefixes.dropFirst() {
            if let tensor = source.tensor(prefix + name.dropFirst(first.count)) { return tensor }
        }
        return nil
    }

    private static func check(_ tensor: StoredTensor, _ entry: Entry) throws(InferenceError) {
        guard tensor.shape == entry.shape else {
            throw InferenceError(
                .invalidModelFile,
                "The tensor \"\(tensor.name)\" has the shape \(describe(tensor.shape)); by the model's configuration it should be "
                    + "\(describe(entry.shape)). Fetch or convert the model again."
            )
        }
        guard tensor.type.isRunnable else {
            throw InferenceError(
                .unsupportedModel,
                "The tensor \"\(tensor.name)\" is stored as \(tensor.type.name), which this version can't compute with. "
                    + "Supported: \(TensorType.allCases.filter(\.isRunnable).map(\.name).joined(separator: ", "))."
            )
        }
    }

    private func refuseUnknown(_ names: [String]) throws(InferenceError) {
        let unknown = names.filter { name in
            !ignoredPrefixes.contains { name.hasPrefix($0) } && !ignoredSuffixes.contains { name.hasSuffix($0) }
        }
        guard let first = unknown.first else { return }
        throw InferenceError(
            .unsupportedModel,
            "The model file holds \(unknown.count) tensors that this architecture does not have, such as "
                + "\"\(first)\". Running it without them would give wrong results."
        )
    }

    fileprivate static func describe(_ shape: [Int]) -> String {
        "[" + shape.map(String.init).joined(separator: ", ") + "]"
    }
}

extension StoredTensor {
    /// Rows `first`, `first + 1`, … as a tensor of their own; elements if it is a vector. The whole tensor stays as it is.
    fileprivate func slice(_ first: Int, _ rows: Int, of entry: TensorTable.Entry) throws(InferenceError) -> StoredTensor {
        if entry.parts.count == 1 { return self }
        let isVector = shape.count == 1
        let start = first * (isVector ? 1 : rowLength)
        let count = rows * (isVector ? 1 : rowLength)
        guard start % type.blockSize == 0, count % type.blockSize == 0, start + count <= elementCount else {
            throw InferenceError(
                .invalidModelFile,
                "The tensor \"\(name)\" \(TensorTable.describe(shape)) can't be divided into its \(entry.parts.count) parts."
            )
        }
        return StoredTensor(
            name: name,
            shape: isVector ? [rows] : [rows, rowLength],
            type: type,
            base: base + type.byteCount(of: start),
            byteCount: type.byteCount(of: count),
            owner: owner
        )
    }
}
