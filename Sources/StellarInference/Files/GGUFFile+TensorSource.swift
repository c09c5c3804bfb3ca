extension GGUFFile: TensorSource {
    package var tensorNames: [String] { tensors.map(\.name) }

    package func tensor(_ name: String) -> StoredTensor? {
        guard let tensor = tensor(named: name), let base = bytes(of: tensor).baseAddress else { return nil }
        return StoredTensor(
            name: name,
            shape: tensor.dimensions.reversed(),
            type: tensor.type,
            base: base,
            byteCount: tensor.byteCount,
            owner: parts[tensor.part].owner
        )
    }
}
