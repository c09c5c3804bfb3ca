import CStellarKernels

/// Turns the tensors of a ``ModelBlueprint`` into ``ModelWeights``: matrices are packed for the product kernels, vectors become FP32.
///
/// Packing runs on the pool, one share of rows per worker.
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
        let hasHead = tensors[.outputHead] != nil && !configuration.tiesOutputHead
        let head = try matrix(hasHead ? .outputHead : .tokenEmbedding)
        return ModelWeights(
            tokenEmbedding: hasHead ? try stored(.tokenEmbedding) : head,
            layers: layers,
            outputNorm: try norm(.outputNorm),
            outputHead: Projection([head]),
            ropeDivisors: RoPEDivisors(
                all: try divisors(.ropeDivisors),
                short: try divisors(.ropeShortFactors),
                long: try divisors(.ropeLongFactors)
            )
        )
    }

    private func layer(_ index: Int) throws(InferenceError) -> ModelWeights.Layer {
        let placement = configuration.normPlacement
        return ModelWeights.Layer(
            attentionNorm: placement.isBefore ? try norm(.layer(index, .attentionNorm)) : nil,
            queryKeyValue: Projection(
                [try matrix(.layer(index, .query)), try matrix(.layer(index, .key)), try matrix(.layer(index, .value))],
                bias: try bias([
                    (.layer(index, .queryBias), configuration.querySize), (.layer(index, .keyBias), configuration.keySize),
                    (.layer(index, .valueBias), configuration.keySize),
                ])
            ),
            queryNorm: configuration.queryKeyNorm == .none ? nil : try norm(.layer(index, .queryNorm)),
            keyNorm: configuration.queryKeyNorm == .none ? nil : try norm(.layer(index, .keyNorm)),
            attentionOutput: Projection(
                [try matrix(.layer(index, .attentionOutput))],
                bias: try bias([(.layer(index, .attentionOutputBias), configuration.hiddenSize)])
            ),
            attentionPostNorm: placement.isAfter ? try norm(.layer(index, .attentionPostNorm)) : nil,
            feedForwardNorm: placement.isBefore ? try norm(.layer(index, .feedForwardNorm)) : nil,
            feedForward: try feedForward(index),
            feedForwardPostNorm: placement.isAfter ? try norm(.layer(index, .feedForwardPostNorm)) : nil
        )
    }

    private func feedForward(_ layer: Int) throws(InferenceError) -> ModelWeights.FeedForward {
        guard configuration.layers[layer].hasExperts, let experts = configuration.experts else {
            return .dense(try network { .layer(layer, .network($0)) })
        }
        var networks: [ModelWeights.Network] = []
        for index in 0..<experts.count + experts.sharedCount {
            networks.append(try network { .expert(layer: layer, index: index, $0) })
        }
        return .experts(
            ModelWeights.Experts(
                router: Projection([try matrix(.layer(layer, .router))]),
                sharedGate: experts.hasSharedGate ? Projection([try matrix(.layer(layer, .sharedGate))]) : nil,
                networks: networks
            )
        )
    }

    private func network(_ role: (NetworkTensor) -> TensorRole) throws(InferenceError) -> ModelWeights.Network {
        let (gate, up, down) = (try matrix(role(.gate)), try matrix(role(.up)), try matrix(role(.down)))
        return ModelWeights.Network(
            gateUp: Projection([gate, up], bias: try bias([(role(.gateBias), gate.outputs), (role(.upBias), up.outputs)])),
            down: Projection([down], bias: try bias([(role(.downBias), down.outputs)]))
        )
    }

    /// Vectors one after the other, with zeros for those that the file does not have; `nil` if it has none of them.
    private func bias(_ parts: [(role: TensorRole, count: Int)]) throws(InferenceError) -> WeightVector? {
        guard parts.contains(where: { tensors[$0.role] != nil }) else { return nil }
        let values = try FloatBuffer(count: parts.reduce(0) { $0 + $1.count }, purpose: "a bias")
        var start = 0
        for part in parts {
            if tensors[part.role] != nil {
                for (index, value) in try vector(part.role).values.prefix(part.count).enumerated() {
                    values.base[start + index] = value
                }
            }
            start += part.count
        }
        return WeightVector(values)
    }

    private func norm(_ role: TensorRole) throws(InferenceError) -> WeightVector {
        try vector(role, offset: configuration.normOffset)
    }

    private func divisors(_ role: TensorRole) throws(InferenceError) -> [Double] {
        guard tensors[role] != nil else { return [] }
        let divisors = try vector(role).values.map(Double.init)
        guard divisors.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw ModelConfiguration.invalid("a RoPE divisor is not a positive number")
        }
        return divisors
    }

    private func tensor(_ role: TensorRole) throws(InferenceError) -> StoredTensor {
        guard let tensor = tensors[role] else {
            throw InferenceError(.invalidModelFile, "The model file lacks a tensor for \(role).")
        }
        return tensor
    }

    private func vector(_ role: TensorRole, offset: Float = 0) throws(InferenceError) -> WeightVector {
        let tensor = try tensor(role)
        let values = try FloatBuffer(count: tensor.elementCount, purpose: "the tensor \(tensor.name)")
        Kernels.dequantize(type: tensor.type, source: tensor.base, target: values.base, count: tensor.elementCount)
        if offset != 0 {
            for index in 0..<values.count { values.base[index] += offset }
        }
        return WeightVector(values)
    }

    /// The matrix, packed for products in the precision asked for.
    private func matrix(_ role: TensorRole) throws(InferenceError) -> WeightMatrix {
        let tensor = try tensor(role)
        let packing: WeightPacking =
            switch precision {
            case .auto: WeightPacking(for: tensor.type)
            case .fp32: .f32
            case .fp16: .f16
            case .bf16: Kernels.table.bf16_pairs ? .bf16Pairs : .bf16
            }
        var packed = try stored(role).packed(as: packing, arena: arena, pool: pool, name: tensor.name)
        if precision == .auto, packing == .f16, tensor.type != .f16, !packed.isFinite(pool) {
            packed = try stored(role).packed(as: .f32, arena: arena, pool: pool, name: tensor.name)
        }
        // The copy is what is read from now on: the file's pages need not stay in memory.
        (tensor.owner as? MappedFile)?.discard(tensor.bytes)
        return packed
    }

    /// The matrix as it lies in the file.
    private func stored(_ role: TensorRole) throws(InferenceError) -> WeightMatrix {
        let tensor = try tensor(role)
        return WeightMatrix(outputs: tensor.rowCount, inputs: tensor.rowLength, type: tensor.type, base: tensor.base, owner: tensor.owner)
    }
}
