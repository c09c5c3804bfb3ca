import CStellarKernels

/// Turns the tensors of a GGUF file into ``ModelWeights``: checks the tensor table, then maps or converts each tensor.
///
/// Conversion runs on the pool, one share of rows per worker.
struct WeightLoader {
    let file: GGUFFile
    let configuration: ModelConfiguration
    let precision: LanguageModel.Precision
    let pool: ComputePool
    private let tensors: [TensorRole: GGUFTensor]

    /// - Throws: ``InferenceError`` `invalidModelFile` for a tensor that is missing or of another shape than the configuration says,
    ///   `unsupportedModel` for tensors that the architecture does not know and for storage types without a kernel.
    init(
        file: GGUFFile,
        table: TensorTable,
        configuration: ModelConfiguration,
        precision: LanguageModel.Precision,
        pool: ComputePool
    ) throws(InferenceError) {
        self.file = file
        self.configuration = configuration
        self.precision = precision
        self.pool = pool
        tensors = try Self.match(table, file)
    }

    /// - Throws: ``InferenceError`` `outOfMemory`.
    func load() throws(InferenceError) -> ModelWeights {
        var layers: [ModelWeights.Layer] = []
        layers.reserveCapacity(configuration.layerCount)
        for index in 0..<configuration.layerCount {
            layers.append(try layer(index))
        }
        let embedding = try matrix(.tokenEmbedding)
        return ModelWeights(
            tokenEmbedding: embedding,
            layers: layers,
            outputNorm: try vector(.outputNorm),
            outputHead: Projection([tensors[.outputHead] == nil ? embedding : try matrix(.outputHead)]),
            ropeFrequencies: try ropeFrequencies()
        )
    }

    /// The table matched against the file, nothing loaded: for checking whether a file would run.
    private static func match(_ table: TensorTable, _ file: GGUFFile) throws(InferenceError) -> [TensorRole: GGUFTensor] {
        var tensors: [TensorRole: GGUFTensor] = [:]
        for entry in table.entries {
            guard let tensor = file.tensor(named: entry.name) else {
                if !entry.isRequired { continue }
                throw InferenceError(
                    .invalidModelFile,
                    "The model file lacks the tensor \"\(entry.name)\" (\(describe(entry.shape))). Fetch or convert it again."
                )
            }
            let shape = Array(tensor.dimensions.reversed())
            guard shape == entry.shape else {
                throw InferenceError(
                    .invalidModelFile,
                    "The tensor \"\(entry.name)\" has the shape \(describe(shape)); by the file's metadata it should be "
                        + "\(describe(entry.shape)). Fetch or convert the file again."
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
        if tensors.count < file.tensors.count {
            let known = Set(table.entries.map(\.name))
            let unknown = file.tensors.map(\.name).filter { !known.contains($0) }
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

    private func layer(_ index: Int) throws(InferenceError) -> ModelWeights.Layer {
        ModelWeights.Layer(
            attentionNorm: try vector(.layer(index, .attentionNorm)),
            queryKeyValue: Projection([
                try matrix(.layer(index, .query)), try matrix(.layer(index, .key)), try matrix(.layer(index, .value)),
            ]),
            attentionOutput: Projection([try matrix(.layer(index, .attentionOutput))]),
            feedForwardNorm: try vector(.layer(index, .feedForwardNorm)),
            gateUp: Projection([try matrix(.layer(index, .gate)), try matrix(.layer(index, .up))]),
            down: Projection([try matrix(.layer(index, .down))])
        )
    }

    private func ropeFrequencies() throws(InferenceError) -> [Double] {
        var divisors: [Float] = []
        if tensors[.ropeDivisors] != nil {
            let vector = try vector(.ropeDivisors)
            divisors = Array(UnsafeBufferPointer(start: vector.base, count: vector.count))
            guard divisors.allSatisfy({ $0.isFinite && $0 > 0 }) else {
                throw ModelConfiguration.invalid("a RoPE divisor is not a positive number")
            }
        }
        return configuration.rope.frequencies(divisors: divisors)
    }

    private func tensor(_ role: TensorRole) throws(InferenceError) -> GGUFTensor {
        guard let tensor = tensors[role] else {
            throw InferenceError(.invalidModelFile, "The model file lacks a tensor for \(role).")
        }
        return tensor
    }

    private func vector(_ role: TensorRole) throws(InferenceError) -> WeightVector {
        let tensor = try tensor(role)
        let values = try FloatBuffer(count: tensor.elementCount, purpose: "the tensor \(tensor.name)")
        if let source = file.bytes(of: tensor).baseAddress {
            Kernels.dequantize(type: tensor.type, source: source, target: values.base, count: tensor.elementCount)
        }
        return WeightVector(values)
    }

    private func matrix(_ role: TensorRole) throws(InferenceError) -> WeightMatrix {
        let tensor = try tensor(role)
        let bytes = file.bytes(of: tensor)
        guard let base = bytes.baseAddress, tensor.dimensions.count == 2 else {
            throw InferenceError(.invalidModelFile, "The tensor \"\(tensor.name)\" is no matrix.")
        }
        let (inputs, outputs) = (tensor.dimensions[0], tensor.dimensions[1])
        let stored = WeightMatrix(
            outputs: outputs,
            inputs: inputs,
            type: tensor.type,
            rowBytes: tensor.type.byteCount(of: inputs),
            base: base,
            owner: file.file.owner
        )
        switch precision {
        case .auto:
            return Kernels.convertsHalvesInHardware || stored.type != .f16 ? stored : try convert(stored, to: .f32, name: tensor.name)
        case .fp32: return try convert(stored, to: .f32, name: tensor.name)
        case .fp16: return try convert(stored, to: .f16, name: tensor.name)
        }
    }

    /// A copy of `source` with elements of the type `target` (F32 or F16).
    private func convert(_ source: WeightMatrix, to target: TensorType, name: String) throws(InferenceError) -> WeightMatrix {
        if source.type == target { return source }
        let rowBytes = target.byteCount(of: source.inputs)
        let buffer = try AlignedBuffer(byteCount: rowBytes * source.outputs, purpose: "the tensor \(name)")
        pool.run { worker in
            let share = pool.share(of: source.outputs, worker: worker)
            let start = buffer.base + share.lowerBound * rowBytes
            if target == .f32 {
                source.expand(share, into: start.bindMemory(to: Float.self, capacity: share.count * source.inputs))
            } else {
                Self.expandToHalf(source, share, start.bindMemory(to: UInt16.self, capacity: share.count * source.inputs))
            }
        }
        return WeightMatrix(
            outputs: source.outputs,
            inputs: source.inputs,
            type: target,
            rowBytes: rowBytes,
            base: buffer.base,
            owner: buffer
        )
    }

    private static func expandToHalf(_ source: WeightMatrix, _ share: Range<Int>, _ target: UnsafeMutablePointer<UInt16>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: source.inputs) { row in
            guard let base = row.baseAddress else { return }
            for (index, output) in share.enumerated() {
                source.expand(output..<output + 1, into: base)
                Kernels.table.f32_to_f16(base, target + index * source.inputs, source.inputs)
            }
        }
    }
}
