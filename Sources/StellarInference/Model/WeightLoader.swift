import CStellarKernels
import Synchronization

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
        let hasHead = tensors[.outputHead] != nil && !configuration.tiesOutputHead
        return ModelWeights(
            tokenEmbedding: embedding,
            layers: layers,
            outputNorm: try norm(.outputNorm),
            outputHead: Projection([hasHead ? try matrix(.outputHead) : embedding]),
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
                router: try matrix(.layer(layer, .router)),
                sharedGate: experts.hasSharedGate ? try matrix(.layer(layer, .sharedGate)) : nil,
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

    private func matrix(_ role: TensorRole) throws(InferenceError) -> WeightMatrix {
        let tensor = try tensor(role)
        let stored = WeightMatrix(
            outputs: tensor.rowCount,
            inputs: tensor.rowLength,
            type: tensor.type,
            rowBytes: tensor.type.byteCount(of: tensor.rowLength),
            base: tensor.base,
            owner: tensor.owner
        )
        switch precision {
        case .auto:
            let canStay = stored.type.hasKernels && (Kernels.convertsHalvesInHardware || stored.type != .f16)
            return canStay ? stored : try expand(stored, name: tensor.name)
        case .fp32: return try convert(stored, to: .f32, name: tensor.name)
        case .fp16: return try convert(stored, to: .f16, name: tensor.name)
        }
    }

    /// A copy in F16, which loses little beside what quantisation has lost; in F32 where F16 can't hold the numbers or is slow.
    private func expand(_ source: WeightMatrix, name: String) throws(InferenceError) -> WeightMatrix {
        guard Kernels.convertsHalvesInHardware, source.type != .f16 else { return try convert(source, to: .f32, name: name) }
        let halves = try convert(source, to: .f16, name: name)
        return halves.isFinite(pool) ? halves : try convert(source, to: .f32, name: name)
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

extension WeightMatrix {
    /// Whether no F16 number is infinite or none at all.
    fileprivate func isFinite(_ pool: ComputePool) -> Bool {
        let overflows = Atomic<Bool>(false)
        pool.run { worker in
            for output in pool.share(of: outputs, worker: worker) {
                let halves = UnsafeBufferPointer(start: row(output).assumingMemoryBound(to: UInt16.self), count: inputs)
                if halves.contains(where: { $0 & 0x7C00 == 0x7C00 }) { overflows.store(true, ordering: .relaxed) }
            }
        }
        return !overflows.load(ordering: .relaxed)
    }
}
