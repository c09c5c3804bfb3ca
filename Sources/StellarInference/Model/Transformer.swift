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
    private let weights: ModelWeights
    private let pool: ComputePool
    /// Segments of at least so many rows go through BLAS.
    private let blasRows: Int
    private let maxOutputs: Int
    private let scratch: Scratch
    private var layout = BatchLayout(Batch(segments: []), blasRows: .max)

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
        scratch = try Scratch(configuration, rows: maxRows, outputs: maxOutputs, workers: pool.workerCount)
    }

    /// Below this many rows expanding the weights for BLAS costs more than it saves.
    private static let leastBLASRows = 32

    /// Processes the batch: writes keys and values to the cache and returns the logits of the rows that want them.
    ///
    /// - Returns: `[rows that want logits, vocabulary]` in the order of the batch's segments and of their tokens; valid until the next
    ///   call. The caller may write to it.
    package func forward(_ batch: Batch) -> UnsafeMutableBufferPointer<Float> {
        layout = BatchLayout(batch, blasRows: blasRows)
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

    private func rotate(_ head: UnsafeMutablePointer<Float>, row: Int) {
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

// MARK: - Attention

extension Transformer {
    /// Attention of all query rows over their sequences' caches: tiles of rows and KV heads are dealt out to the workers in turn.
    private func attend(layer: Int, worker: Int) {
        let heads = configuration.keyValueHeadCount
        for task in stride(from: worker, to: layout.tiles.count * heads, by: pool.workerCount) {
            attend(layout.tiles[task / heads], layer: layer, head: task % heads, memory: scratch.workers[worker])
        }
    }

    /// One tile: the rows' query heads that share KV head `head`, against all blocks that the last row sees.
    private func attend(_ tile: BatchLayout.AttentionTile, layer: Int, head: Int, memory: Scratch.Worker) {
        let headSize = configuration.headSize
        let queries = tile.rows.count * configuration.groupSize
        gatherQueries(tile, head: head, into: memory.queries.base)
        Kernels.table.attention_start(memory.maxima.base, memory.sums.base, memory.sumsOfValues.base, headSize, queries, headSize)
        let blocks = layout.blocks[tile.segment]
        let lastPosition = layout.positions[tile.rows.upperBound - 1]
        for block in 0...lastPosition / KVCache.blockTokens {
            for query in 0..<queries {
                let position = layout.positions[tile.rows.lowerBound + query / configuration.groupSize]
                memory.visible.base[query] = UInt32(max(0, min(KVCache.blockTokens, position + 1 - block * KVCache.blockTokens)))
            }
            var arguments = stellar_attention_block(
                q: memory.queries.base,
                ldq: headSize,
                queries: queries,
                head_size: headSize,
                keys: cache.keys(layer: layer, head: head, block: blocks[block]),
                values: cache.values(layer: layer, head: head, block: blocks[block]),
                kv_type: cache.element.kernelType,
                block_tokens: KVCache.blockTokens,
                visible: memory.visible.base,
                max: memory.maxima.base,
                sum: memory.sums.base,
                acc: memory.sumsOfValues.base,
                ldacc: headSize
            )
            Kernels.table.attention_block(&arguments)
        }
        scatterResults(tile, head: head, memory: memory)
    }

    /// Rotated and scaled queries, `[rows · group size, head size]`.
    private func gatherQueries(_ tile: BatchLayout.AttentionTile, head: Int, into target: UnsafeMutablePointer<Float>) {
        let headSize = configuration.headSize
        let group = configuration.groupSize
        let width = (configuration.headCount + 2 * configuration.keyValueHeadCount) * headSize
        let scale = 1 / Float(headSize).squareRoot()
        for (index, row) in tile.rows.enumerated() {
            let source = scratch.projected.base + row * width + head * group * headSize
            for member in 0..<group {
                let query = target + (index * group + member) * headSize
                query.update(from: source + member * headSize, count: headSize)
                rotate(query, row: row)
                for element in 0..<headSize { query[element] *= scale }
            }
        }
    }

    private func scatterResults(_ tile: BatchLayout.AttentionTile, head: Int, memory: Scratch.Worker) {
        let headSize = configuration.headSize
        let groupWidth = configuration.groupSize * headSize
        for (index, row) in tile.rows.enumerated() {
            let first = index * configuration.groupSize
            let target = scratch.attended.base + row * configuration.headCount * headSize + head * groupWidth
            Kernels.table.attention_finish(
                memory.sums.base + first,
                memory.sumsOfValues.base + first * headSize,
                headSize,
                configuration.groupSize,
                headSize,
                target,
                headSize
            )
        }
    }
}

// MARK: - Scratch memory

extension Transformer {
    /// Intermediate results of a pass; rows are contiguous.
    fileprivate struct Scratch {
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

        /// What one worker needs for itself.
        struct Worker {
            /// Weights expanded to FP32 for BLAS.
            let tile: FloatBuffer
            /// `[tile rows · group size, head size]`.
            let queries: FloatBuffer
            let sumsOfValues: FloatBuffer
            /// `[tile rows · group size]`.
            let maxima: FloatBuffer
            let sums: FloatBuffer
            let visible: Buffer<UInt32>

            /// About half of a core's L2 cache.
            private static let tileBytes = 512 << 10

            init(_ configuration: ModelConfiguration) throws(InferenceError) {
                let queryCount = BatchLayout.tileRows * configuration.groupSize
                let longestInput = max(
                    configuration.hiddenSize,
                    configuration.feedForwardSize,
                    configuration.headCount * configuration.headSize
                )
                tile = try FloatBuffer(count: max(Self.tileBytes / 4, 16 * longestInput), purpose: "expanded weights")
                queries = try FloatBuffer(count: queryCount * configuration.headSize, purpose: "queries")
                sumsOfValues = try FloatBuffer(count: queryCount * configuration.headSize, purpose: "attention results")
                maxima = try FloatBuffer(count: queryCount, purpose: "attention scores")
                sums = try FloatBuffer(count: queryCount, purpose: "attention scores")
                visible = try Buffer(count: queryCount, purpose: "attention masks")
            }
        }

        init(_ configuration: ModelConfiguration, rows: Int, outputs: Int, workers: Int) throws(InferenceError) {
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
        }
    }
}
