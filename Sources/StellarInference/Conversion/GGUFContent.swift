/// What goes into a GGUF file: metadata, and where its tensors come from.
struct GGUFContent {
    struct Tensor {
        /// In the new file.
        let name: String
        let sources: [StoredTensor]
        let shape: [Int]
        /// See ``ModelQuantizer/Output/permutedHeads``.
        var permutedHeads = 0
        /// Added to every number.
        var offset: Float = 0
    }

    /// Has the metadata; the tensors are added when their types are known.
    var writer = GGUFFileWriter()
    var tensors: [Tensor] = []

    /// A GGUF file's own tensors and metadata, byte for byte; what says that it is one part of several is left out.
    init(_ file: GGUFFile) throws(InferenceError) {
        for key in file.metadata.keys where !key.hasPrefix("split.") {
            guard let place = file.metadata.place(of: key), let bytes = file.parts.first?.buffer[place] else { continue }
            writer.set(key, encoded: Array(bytes))
        }
        writer.alignment = file.alignment
        tensors = file.storedTensors.map { Tensor(name: $0.name, sources: [$0], shape: $0.shape) }
        guard !tensors.isEmpty else {
            throw InferenceError(.unsupportedModel, "\(file.description) holds no tensors: there is nothing to convert.")
        }
    }
}
