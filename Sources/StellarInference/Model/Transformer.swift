import CStellarKernels
import Foundation

/// The forward pass of a decoder-only transformer over a batch of sequences.
///
/// All workers of the pool run ``pass(worker:)`` in step: between two barriers each writes its own share of the rows or columns. A row's
/// result does not depend on which other rows are in the batch (see ``Projection``), so a sequence's tokens don't either.
///
/// Thread contract: ``forward(_:)`` by one thread at a time (the engine's).
package final class Transformer: @unchecked Sendable {
    // @unchecked: scratch memory and `layout` are written by the thread of `forward` before the pool starts and by workers in disjoint
    // shares between barriers.

    package let configuration: ModelConfiguration
    package let cache: KVCache
    let weights: ModelWeights
    private let pool: ComputePool
    /// Segments of at least so many rows go through BLAS.
    private let blasRows: Int
    private let maxOutputs: Int
    let scratch: Scratch
    private(set) var layout = BatchLayout(Batch(segments: []), blasRows: .max)

    /// - Parameters:
    ///   - maxRows: Most tokens in a batch.
    ///   - maxOutputs: Most rows with logits in a batch.
    ///   - usesBLAS: Whether prompt chunks go through BLAS; else everything goes through our own kernels.
    /// - Throws: ``InferenceError`` `outOfMemory`.
    package init(
        configuration: ModelConfiguration,
        weights: ModelWeights,
        cache: KVCache,
        pool: ComputePool,
        maxRows: Int,
        maxOutputs: Int,
        usesBLAS: Bool
    ) throws(InferenceError) {
        self.configuration = configuration
        self.weights = weights
        self.cache = cache
        self.pool = pool
        self.maxOutputs = maxOutputs
        blasRows = usesBLAS ? Self.leastBLASRows : .max
        scratch = try Scratch(configuration, rows: maxRows, outputs: maxOutputs, workers: pool.workerCount, maxTokens: cache.blockCount * KVCache.blockTokens)
    }

    /// Below this many rows expanding the weights for BLAS costs more than it saves.
    private static let leastBLASRows = 32

    /// Processes the batch: writes keys and values to the cache and returns the logits of the rows that want them.
    ///
    /// - Returns: `[segments that want logits, vocabulary]` in the order of the batch's segments; valid until the next call. The caller
    ///   may write to it.
    package func forward(_ batch: Batch) -> UnsafeMutableBufferPointer<Float> {
        layout = BatchLayout(batch, blasRows: blasRows)
        layout.attention.deal(heads: configuration.keyValueHeadCount, workers: pool.workerCount)
        pool.run { worker in self.pass(worker: worker) }
        return UnsafeMutableBufferPointer(
            start: scratch.logits.base,
            count: min(layout.outputRows.count, maxOutputs) * configuration.vocabularySize
        )
    }

    private func pass(worker: Int) {
        let rows = pool.share(of: layout.rowCount, worker: worker)
        embed(rows)
        prepareAngles(rows)
        for (index, layer) in weights.layers.enumerated() {
            normalize(rows, weight: layer.attentionNorm)
            pool.barrier()
            multiply(layer.queryKeyValue, from: scratch.normalized, to: scratch.projected, worker: worker)
            pool.barrier()
            storeKeysAndValues(rows, layer: index)
            pool.barrier()
            attend(layer: index, worker: worker)
            pool.barrier()
            multiply(layer.attentionOutput, from: scratch.attended, to: scratch.update, worker: worker)
            pool.barrier()
            addUpdate(rows)
            normalize(rows, weight: layer.feedForwardNorm)
            pool.barrier()
            multiply(layer.gateUp, from: scratch.normalized, to: scratch.projected, worker: worker)
            pool.barrier()
            activate(rows)
            pool.barrier()
            multiply(layer.down, from: scratch.activated, to: scratch.update, worker: worker)
            pool.barrier()
            addUpdate(rows)
        }
        pool.barrier()
        computeLogits(worker: worker)
    }

    private func embed(_ rows: Range<Int>) {
        let size = configuration.hiddenSize
        for row in rows {
            let token = Int(layout.tokens[row])
            weights.tokenEmbedding.expand(token..<token + 1, into: scratch.residual.base + row * size)
        }
    }

    /// Cosine and sine of each RoPE pair at each row's position; computed in FP64, as large angles lose all digits in FP32.
    private func prepareAngles(_ rows: Range<Int>) {
        let pairs = weights.ropeFrequencies.count
        for row in rows {
            let position = Double(layout.positions[row])
            for pair in 0..<pairs {
                let angle = position * weights.ropeFrequencies[pair]
                scratch.cosines.base[row * pairs + pair] = Float(cos(angle))
                scratch.sines.base[row * pairs + pair] = Float(sin(angle))
            }
        }
    }

    private func normalize(_ rows: Range<Int>, weight: WeightVector) {
        let size = configuration.hiddenSize
        for row in rows {
            Kernels.table.rms_norm(
                scratch.residual.base + row * size,
                weight.base,
                scratch.normalized.base + row * size,
                size,
                configuration.normEpsilon
            )
        }
    }

    private func addUpdate(_ rows: Range<Int>) {
        let size = configuration.hiddenSize
        Kernels.table.add(
            scratch.residual.base + rows.lowerBound * size,
            scratch.update.base + rows.lowerBound * size,
            rows.count * size
        )
    }

    private func activate(_ rows: Range<Int>) {
        let size = configuration.feedForwardSize
        for row in rows {
            let gate = scratch.projected.base + row * 2 * size
            Kernels.table.silu_multiply(gate, gate + size, scratch.activated.base + row * size, size)
        }
    }

    private func multiply(_ projection: Projection, from x: FloatBuffer, to y: FloatBuffer, worker: Int) {
        projection.multiply(
            share: share(of: projection, worker: worker),
            rows: layout.plan,
            x: x.base,
            y: y.base,
            tile: scratch.workers[worker].tile
        )
    }

    /// A worker's outputs: in multiples of what the kernels compute in one tile.
    private func share(of projection: Projection, worker: Int) -> Range<Int> {
        pool.share(of: projection.outputs, worker: worker, granularity: 24)
    }

    private func storeKeysAndValues(_ rows: Range<Int>, layer: Int) {
        let headSize = configuration.headSize
        let heads = configuration.keyValueHeadCount
        let width = (configuration.headCount + 2 * heads) * headSize
        for row in rows {
            let keys = scratch.projected.base + row * width + configuration.headCount * headSize
            let position = layout.positions[row]
            let block = layout.blocks[layout.segmentOfRow[row]][position / KVCache.blockTokens]
            for head in 0..<heads {
                let key = keys + head * headSize
                rotate(key, row: row)
                cache.store(
                    key: key,
                    value: key + heads * headSize,
                    layer: layer,
                    head: head,
                    block: block,
                    slot: position % KVCache.blockTokens
                )
            }
        }
    }

    func rotate(_ head: UnsafeMutablePointer<Float>, row: Int) {
        let pairs = weights.ropeFrequencies.count
        let cosines = scratch.cosines.base + row * pairs
        let sines = scratch.sines.base + row * pairs
        switch configuration.rope.pairing {
        case .interleaved: Kernels.table.rope_interleaved(head, cosines, sines, pairs)
        case .half: Kernels.table.rope_half(head, cosines, sines, pairs)
        }
    }

    private func computeLogits(worker: Int) {
        let size = configuration.hiddenSize
        let outputs = layout.outputRows.prefix(maxOutputs)
        guard !outputs.isEmpty else { return }
        for (index, row) in outputs.enumerated() where index % pool.workerCount == worker {
            Kernels.table.rms_norm(
                scratch.residual.base + row * size,
                weights.outputNorm.base,
                scratch.normalized.base + index * size,
                size,
                configuration.normEpsilon
            )
        }
        pool.barrier()
        weights.outputHead.multiply(
            share: share(of: weights.outputHead, worker: worker),
            rows: .kernels(outputs.count),
            x: scratch.normalized.base,
            y: scratch.logits.base,
            tile: scratch.workers[worker].tile
        )
    }
}

// MARK: - Scratch memory

extension Transformer {
    /// Intermediate results of a pass; rows are contiguous.
    struct Scratch {
        /// `[rows, hidden]`: the residual stream.
        let residual: FloatBuffer
        /// `[rows, hidden]`.
        let normalized: FloatBuffer
        /// `[rows, queries | keys | values]`, then `[rows, gate | up]`.
        let projected: FloatBuffer
        /// `[rows, heads · head size]`.
        let attended: FloatBuffer
        /// `[rows, feed-forward]`.
        let activated: FloatBuffer
        /// `[rows, hidden]`: what a block adds to the residual stream.
        let update: FloatBuffer
        /// `[rows, pairs]`.
        let cosines: FloatBuffer
        let sines: FloatBuffer
        /// `[outputs, vocabulary]`.
        let logits: FloatBuffer
        let workers: [Worker]
        let shared: [SharedAttention]

        /// What one worker needs for itself.
        struct Worker {
            /// Weights expanded to FP32 for BLAS.
            let tile: FloatBuffer
            let attention: AttentionScratch

            /// About half of a core's L2 cache.
            private static let tileBytes = 512 << 10

            init(_ configuration: ModelConfiguration) throws(InferenceError) {
                let longestInput = max(
                    configuration.hiddenSize,
                    configuration.feedForwardSize,
                    configuration.headCount * configuration.headSize
                )
                tile = try FloatBuffer(count: max(Self.tileBytes / 4, 16 * longestInput), purpose: "expanded weights")
                attention = try AttentionScratch(configuration)
            }
        }

        init(_ configuration: ModelConfiguration, rows: Int, outputs: Int, workers: Int, maxTokens: Int) throws(InferenceError) {
            let rows = max(rows, outputs)
            let queries = configuration.headCount * configuration.headSize
            let keys = configuration.keyValueHeadCount * configuration.headSize
            let purpose = "intermediate results"
            residual = try FloatBuffer(count: rows * configuration.hiddenSize, purpose: purpose)
            normalized = try FloatBuffer(count: rows * configuration.hiddenSize, purpose: purpose)
            projected = try FloatBuffer(count: rows * max(queries + 2 * keys, 2 * configuration.feedForwardSize), purpose: purpose)
            attended = try FloatBuffer(count: rows * queries, purpose: purpose)
            activated = try FloatBuffer(count: rows * configuration.feedForwardSize, purpose: purpose)
            update = try FloatBuffer(count: rows * configuration.hiddenSize, purpose: purpose)
            cosines = try FloatBuffer(count: rows * configuration.rope.dimensions / 2, purpose: purpose)
            sines = try FloatBuffer(count: rows * configuration.rope.dimensions / 2, purpose: purpose)
            logits = try FloatBuffer(count: outputs * configuration.vocabularySize, purpose: "logits")
            var scratch: [Worker] = []
            for _ in 0..<workers { scratch.append(try Worker(configuration)) }
            self.workers = scratch
            var shared: [SharedAttention] = []
            for _ in 1..<max(2, workers) { shared.append(try SharedAttention(configuration, tokens: maxTokens)) }
            self.shared = shared
        }
    }
}
