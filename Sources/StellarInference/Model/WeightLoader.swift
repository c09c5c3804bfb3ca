import CStellarKernels

/// Turns the tensors of a ``ModelBlueprint`` into ``ModelWeights``: maps or converts each.
///
/// Conversion runs on the pool, one share of rows per worker.
struct WeightLoader {
    let blueprint: ModelBlueprint
    let precision: LanguageModel.Precision
    let pool: ComputePool
    private let arena = WeightArena()

    init(blueprint: ModelBlueprint, precision: LanguageModel.Precision, pool: ComputePool) {
        self.blueprint = blueprint
        self.precision = precision
        self.pool = pool
    }

    private var configuration: ModelConfiguration { blueprint.configuration }
    private var tensors: [TensorRole: StoredTensor] { blueprint.tensors }

    /// - Throws: ``InferenceError`` `outOfMemory`.
    func load() throws(InferenceError) -> ModelWeights {
        var layers: [ModelWeights.Layer] = []
        layers.reserveCapacity(configuration.layerCount)
        for index in 0..<configuration.layerCount {
            layers.append(try layer(index))
        }
        // A head of its own leaves the embedding in the file, where a token's row is looked up; else both are the packed matrix.
        let hasHead = tensors[.outputHead] != nil
        let head = try matrix(hasHead ? .outputHead : .tokenEmbedding)
        return ModelWeights(
            tokenEmbedding: hasHead ? try stored(.tokenEmbedding) : head,
            layers: layers,
            outputNorm: try vector(.outputNorm),
            outputHead: Projection([head]),
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

    /// The matrix, packed for products in the precision asked for.
    private func matrix(_ role: TensorRole) throws(InferenceError) -> WeightMatrix {
        let stored = try stored(role)
        let packing: WeightPacking =
            switch precision {
            case .auto: WeightPacking(for: stored.type)
            case .fp32: .f32
            case .fp16: .f16
            }
        let tensor = try tensor(role)
        let packed = try stored.packed(as: packing, arena: arena, pool: pool, name: tensor.name)
        // The copy is what is read from now on: the file's pages need not stay in memory.
        (tensor.owner as? MappedFile)?.discard(tensor.bytes)
        return packed
    }

    /// The matrix as it lies in the file.
    private func stored(_ role: TensorRole) throws(InferenceError) -> WeightMatrix {
        let tensor = try tensor(role)
        guard tensor.shape.count == 2 else {
            throw InferenceError(.invalidModelFile, "The tensor \"\(tensor.name)\" is no matrix.")
        }
        return WeightMatrix(outputs: tensor.shape[0], inputs: tensor.shape[1], type: tensor.type, base: tensor.base, owner: tensor.owner)
    }
}
