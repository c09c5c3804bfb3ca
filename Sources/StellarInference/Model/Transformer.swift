import CStellarKernels

/// The forward pass of a decoder-only transformer over a batch of sequences.
///
/// All workers of the pool run ``pass(worker:)`` in step: between two barriers each writes its own share of the rows or columns. A row's
/// result does not depend on which other rows are in the batch (see ``Projection``), so a sequence's tokens don't either.
///
/// What differs between models are values of ``ModelConfiguration``; a feature that is off costs neither a pass over memory nor a barrier.
///
/// Thread contract: ``forward(_:)`` by one thread at a time (the engine's).
package final class Transformer: @unchecked Sendable {
    // @unchecked: scratch memory and `layout` are written by the thread of `forward` before the pool starts and by workers in disjoint
    // shares between barriers.

    package let configuration: ModelConfiguration
    package let cache: KVCache
    let weights: ModelWeights
    let pool: ComputePool
    /// One for each of the configuration's rotary embeddings.
    let ropes: [RoPEFrequencies]
    let scratch: TransformerScratch
    private(set) var layout = BatchLayout(Batch(segments: []), blasRows: .max)
    /// Segments of at least so many rows go through BLAS.
    private let blasRows: Int
    private let maxOutputs: Int

    /// - Parameters:
    ///   - maxRows: Most tokens in a batch.
    ///   - maxOutputs: Most rows with logits in a batch.
    ///   - usesBLAS: Whether prompt chunks go through BLAS; else everything goes through our own kernels.
    ///   - contextLength: Tokens of the longest sequence; `nil`: the model's. LongRoPE chooses its factors by it.
    /// - Throws: ``InferenceError`` `outOfMemory`.
    package init(
        configuration: ModelConfiguration,
        weights: ModelWeights,
        cache: KVCache,
        pool: ComputePool,
        maxRows: Int,
        maxOutputs: Int,
        usesBLAS: Bool,
        contextLength: Int? = nil
    ) throws(InferenceError) {
        self.configuration = configuration
        self.weights = weights
        self.cache = cache
        self.pool = pool
        self.maxOutputs = maxOutputs
        blasRows = usesBLAS ? Self.leastBLASRows : .max
        let contextLength = contextLength ?? configuration.contextLength
        ropes = configuration.ropes.map { RoPEFrequencies($0, divisors: weights.ropeDivisors, contextLength: contextLength) }
        scratch = try TransformerScratch(
            configuration,
            rows: maxRows,
            outputs: maxOutputs,
            workers: pool.workerCount,
            longestSequence: cache.blockCount * KVCache.blockTokens
        )
    }

    /// Below this many rows expanding the weights for BLAS costs more than it saves.
    private static let leastBLASRows = 32

    /// Processes the batch: writes keys and values to the cache and returns the logits of the rows that want them.
    ///
    /// - Returns: `[rows that want logits, vocabulary]` in the order of the batch's segments and of their tokens; valid until the next
    ///   call. The caller may write to it.
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
            attention(layer, index: index, rows: rows, worker: worker)
            addUpdate(rows, norm: layer.attentionPostNorm)
            switch layer.feedForward {
            case .dense(let network): feedForward(network, norm: layer.feedForwardNorm, rows: rows, worker: worker)
            case .experts(let experts): self.experts(experts, norm: layer.feedForwardNorm, rows: rows, worker: worker)
            }
            addUpdate(rows, norm: layer.feedForwardPostNorm)
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
        scale(scratch.residual.base + rows.lowerBound * size, rows.count * size, by: configuration.embeddingScale)
    }

    /// Cosine and sine of each RoPE pair at each row's position.
    private func prepareAngles(_ rows: Range<Int>) {
        for (rope, angles) in zip(ropes, scratch.angles) {
            for row in rows {
                let start = row * rope.pairs
                rope.write(position: layout.positions[row], cosines: angles.cosines.base + start, sines: angles.sines.base + start)
            }
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
        let share = share(of: weights.outputHead, worker: worker)
        multiply(weights.outputHead, rows: .kernels(outputs.count), from: scratch.normalized, to: scratch.logits, worker: worker)
        for row in outputs.indices {
            let logits = scratch.logits.base + row * configuration.vocabularySize + share.lowerBound
            scale(logits, share.count, by: configuration.logitScale)
            if let cap = configuration.logitSoftCap { Kernels.table.soft_cap(logits, share.count, cap) }
        }
    }
}

// MARK: - Steps that blocks share

extension Transformer {
    /// What a block reads: the normalised rows, or the residual stream itself if the model has no norm there.
    func normalize(_ rows: Range<Int>, weight: WeightVector?) -> FloatBuffer {
        guard let weight else { return scratch.residual }
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
        return scratch.normalized
    }

    /// Adds what a block has computed to the residual stream.
    private func addUpdate(_ rows: Range<Int>, norm: WeightVector?) {
        let size = configuration.hiddenSize
        let update = scratch.update.base + rows.lowerBound * size
        if let norm {
            for row in 0..<rows.count {
                Kernels.table.rms_norm(update + row * size, norm.base, update + row * size, size, configuration.normEpsilon)
            }
        }
        scale(update, rows.count * size, by: configuration.residualScale)
        Kernels.table.add(scratch.residual.base + rows.lowerBound * size, update, rows.count * size)
    }

    func multiply(_ projection: Projection, from x: FloatBuffer, to y: FloatBuffer, worker: Int) {
        multiply(projection, rows: layout.plan, from: x, to: y, worker: worker)
    }

    private func multiply(_ projection: Projection, rows: RowPlan, from x: FloatBuffer, to y: FloatBuffer, worker: Int) {
        let input = prepare(x, rows: rows.count, for: projection, worker: worker)
        projection.multiply(
            share: share(of: projection, worker: worker),
            rows: rows,
            x: x.base,
            input: input,
            y: y.base,
            tile: scratch.workers[worker].tile
        )
    }

    /// The rows in the forms that the projection reads. All of few numbers are prepared by every worker for itself, which is faster than
    /// waiting for each other.
    private func prepare(_ x: FloatBuffer, rows: Int, for projection: Projection, worker: Int) -> PreparedInput {
        guard projection.needsPreparedInput else { return scratch.input }
        if rows * projection.inputs <= TransformerScratch.Worker.inputElements {
            let own = scratch.workers[worker].input
            projection.prepare(0..<rows, x: x.base, into: own)
            return own
        }
        projection.prepare(pool.share(of: rows, worker: worker), x: x.base, into: scratch.input)
        pool.barrier()
        return scratch.input
    }

    func share(of projection: Projection, worker: Int) -> Range<Int> {
        projection.share(worker: worker, workerCount: pool.workerCount)
    }

    private func scale(_ values: UnsafeMutablePointer<Float>, _ count: Int, by factor: Float) {
        guard factor != 1 else { return }
        for index in 0..<count { values[index] *= factor }
    }
}
