import CStellarKernels

/// Turns the tensors of a ``ModelBlueprint`` into ``ModelWeights``: maps or converts each.
///
/// Conversion runs on the pool, one share of rows per worker.
struct WeightLoader {
    let blueprint: ModelBlueprint
    let precision: LanguageModel.Precision
    let pool: ComputePool

    private var configuration: ModelConfiguration { blueprint.configuration }
    private var tensors: [TensorRole: StoredTensor] { blueprint.tensors }

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

    private func tensor(_ role: TensorRole) throws(InferenceError) -> StoredTensor {
        guard let tensor = tensors[role] else {
            throw InferenceError(.invalidModelFile, "The model file lacks a tensor for \(role).")
        }
        return tensor
    }

    private func vector(_ role: TensorRole) throws(InferenceError) -> WeightVector {
        let tensor = try tensor(role)
        let values = try FloatBuffer(count: tensor.elementCount, purpose: "the tensor \(tensor.name)")
        Kernels.dequantize(type: tensor.type, source: tensor.base, target: values.base, count: tensor.elementCount)
        return WeightVector(values)
    }

    private func matrix(_ role: TensorRole) throws(InferenceError) -> WeightMatrix {
        let tensor = try tensor(role)
        guard tensor.shape.count == 2 else {
            throw InferenceError(.invalidModelFile, "The tensor \"\(tensor.name)\" is no matrix.")
        }
        let (outputs, inputs) = (tensor.shape[0], tensor.shape[1])
        let stored = WeightMatrix(
            outputs: outputs,
            inputs: inputs,
            type: tensor.type,
            rowBytes: tensor.type.byteCount(of: inputs),
            base: tensor.base,
            owner: tensor.owner
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
