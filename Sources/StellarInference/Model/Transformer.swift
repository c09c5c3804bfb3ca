import CStellarKernels
import Synchronization

/// The forward pass of a decoder-only transformer over a batch of sequences.
///
/// All workers of the pool run ``pass(worker:)`` in step. Many rows are cut into runs that one worker takes through a whole block, and only
/// attention, which looks at the others' keys and values, needs barriers; few rows are taken by all workers together, each of which
/// computes its share of the columns between barriers (see ``RowTeam``). A row's result depends neither on that nor on which other rows
/// are in the batch (see ``Projection``), so a sequence's tokens don't either.
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
    /// From so many rows on, each worker takes some of them alone.
    private let rowsForTeamsOfOne: Int
    private let longestRun: Int
    /// Runs of rows that workers have asked for in this pass.
    private let takenRuns = Atomic<Int>(0)
    /// Of the products that all workers compute together.
    private let dealer: PieceDealer

    /// - Parameters:
    ///   - maxRows: Most tokens in a batch.
    ///   - maxOutputs: Most rows with logits in a batch.
    ///   - usesBLAS: Whether prompt chunks go through BLAS; else everything goes through our own kernels.
    ///   - contextLength: Tokens of the longest sequence; `nil`: the model's. LongRoPE chooses its factors by it.
    ///   - repeatedElements: Up to so many numbers that all workers need, each computes for itself instead of waiting for the others.
    /// - Throws: ``InferenceError`` `outOfMemory`.
    package init(
        configuration: ModelConfiguration,
        weights: ModelWeights,
        cache: KVCache,
        pool: ComputePool,
        maxRows: Int,
        maxOutputs: Int,
        usesBLAS: Bool,
        contextLength: Int? = nil,
        repeatedElements: Int = Transformer.repeatedElements
    ) throws(InferenceError) {
        self.configuration = configuration
        self.weights = weights
        self.cache = cache
        self.pool = pool
        dealer = PieceDealer(workerCount: pool.workerCount)
        self.maxOutputs = maxOutputs
        blasRows = usesBLAS ? Self.leastBLASRows : .max
        let contextLength = contextLength ?? configuration.contextLength
        ropes = configuration.ropes.map { RoPEFrequencies($0, divisors: weights.ropeDivisors, contextLength: contextLength) }
        let sharesAllRows = usesBLAS || configuration.experts != nil
        let rowsAlone = RowTeam.rowsAlone(weights)
        rowsForTeamsOfOne = sharesAllRows ? .max : rowsAlone.lowerBound * pool.workerCount
        longestRun = rowsAlone.upperBound
        scratch = try TransformerScratch(
            configuration,
            rows: maxRows,
            commonRows: rowsForTeamsOfOne,
            runRows: sharesAllRows ? 0 : longestRun,
            repeatedElements: repeatedElements,
            outputs: maxOutputs,
            workers: pool.workerCount,
            longestSequence: cache.blockCount * KVCache.blockTokens
        )
    }

    /// What a worker computes about as fast as it could wait for another.
    package static let repeatedElements = 8_192
    /// Below this many rows expanding the weights for BLAS costs more than it saves.
    private static let leastBLASRows = 32

    /// Processes the batch: writes keys and values to the cache and returns the logits of the rows that want them.
    ///
    /// - Returns: `[rows that want logits, vocabulary]` in the order of the batch's segments and of their tokens; valid until the next
    ///   call. The caller may write to it.
    package func forward(_ batch: Batch) -> UnsafeMutableBufferPointer<Float> {
        layout = BatchLayout(batch, blasRows: blasRows)
        layout.attention.deal(heads: configuration.keyValueHeadCount, workers: pool.workerCount)
        layout.outputAttention.deal(heads: configuration.keyValueHeadCount, workers: pool.workerCount)
        if layout.rowCount >= rowsForTeamsOfOne {
            layout.runs = RowTeam.runs(rows: layout.rowCount, longest: longestRun, workers: pool.workerCount)
        }
        takenRuns.store(0, ordering: .relaxed)
        pool.run { worker in self.pass(worker: worker) }
        return UnsafeMutableBufferPointer(
            start: scratch.logits.base,
            count: min(layout.outputRows.count, maxOutputs) * configuration.vocabularySize
        )
    }

    private func pass(worker: Int) {
        forEachTeam(worker: worker, block: 0) { team in
            embed(team)
            prepareAngles(team.ownRows)
            if let first = weights.layers.first { projectHeads(first, index: 0, team) }
        }
        for (index, layer) in weights.layers.enumerated().dropLast() {
            pool.barrier()
            attend(layout.attention, layer: index, worker: worker)
            pool.barrier()
            forEachTeam(worker: worker, block: index + 1) { team in
                completeBlock(layer, team)
                projectHeads(weights.layers[index + 1], index: index + 1, team)
            }
        }
        pool.barrier()
        computeOutputs(worker: worker)
    }

    /// The teams that a worker is in, one after the other, in a block between two barriers: the one of all workers, or one for each run of
    /// rows that it gets hold of.
    private func forEachTeam(worker: Int, block: Int, _ body: (RowTeam) -> Void) {
        guard !layout.runs.isEmpty else {
            return body(RowTeam(plan: layout.plan, worker: worker, of: pool.workerCount, scratch, configuration))
        }
        // In each block every worker asks once in vain.
        let firstTicket = block * (layout.runs.count + pool.workerCount)
        while true {
            let index = takenRuns.add(1, ordering: .relaxed).oldValue - firstTicket
            guard index < layout.runs.count else { return }
            body(RowTeam(rows: layout.runs[index], alone: worker, scratch, configuration))
        }
    }

    /// What comes after attention in a block.
    private func completeBlock(_ layer: ModelWeights.Layer, _ team: RowTeam) {
        multiply(layer.attentionOutput, from: team.heads, to: team.scratch.update.base, team)
        wait(for: team)
        addUpdate(team, norm: layer.attentionPostNorm)
        switch layer.feedForward {
        case .dense(let network): feedForward(network, norm: layer.feedForwardNorm, team)
        case .experts(let experts): self.experts(experts, norm: layer.feedForwardNorm, team)
        }
        addUpdate(team, norm: layer.feedForwardPostNorm)
    }

    private func embed(_ team: RowTeam) {
        let size = configuration.hiddenSize
        let rows = team.own(size)
        for row in rows {
            let token = Int(layout.tokens[team.rows.lowerBound + row])
            weights.tokenEmbedding.expand(token..<token + 1, into: team.residual + row * size)
        }
        scale(team.residual + rows.lowerBound * size, rows.count * size, by: configuration.embeddingScale)
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

    /// The residual stream of all rows as this worker sees it.
    private func residualOfAll(worker: Int) -> UnsafeMutablePointer<Float> {
        guard layout.runs.isEmpty else { return scratch.residual.base }
        return RowTeam(plan: layout.plan, worker: worker, of: pool.workerCount, scratch, configuration).residual
    }

    /// The end of the last block and the logits, of the rows that want them: nobody looks at the other rows any more.
    private func computeOutputs(worker: Int) {
        let count = min(layout.outputRows.count, maxOutputs)
        guard count > 0 else { return }
        let team = RowTeam(outputs: count, worker: worker, of: pool.workerCount, scratch, configuration)
        let (size, querySize) = (configuration.hiddenSize, configuration.querySize)
        if let last = weights.layers.last {
            attend(layout.outputAttention, layer: weights.layers.count - 1, worker: worker)
            pool.barrier()
            let residual = residualOfAll(worker: worker)
            for index in team.own(size) {
                (team.residual + index * size).update(from: residual + layout.outputRows[index] * size, count: size)
            }
            for index in team.own {
                let row = layout.outputRows[index]
                (team.heads + index * querySize).update(from: scratch.heads.base + row * querySize, count: querySize)
            }
            pool.barrier()
            completeBlock(last, team)
        }
        let input = normalize(team, weight: weights.outputNorm)
        multiply(weights.outputHead, from: input, to: scratch.logits.base, team) { range in
            for row in 0..<count {
                let logits = scratch.logits.base + row * configuration.vocabularySize + range.lowerBound
                scale(logits, range.count, by: configuration.logitScale)
                if let cap = configuration.logitSoftCap { Kernels.table.soft_cap(logits, range.count, cap) }
            }
        }
    }
}

// MARK: - Steps that blocks share

extension Transformer {
    /// Waits until all workers of the team are here.
    func wait(for team: RowTeam) {
        if team.size > 1 { pool.barrier() }
    }

    /// Waits until all rows are there for which the team's workers find `width` numbers each.
    func wait(for team: RowTeam, rowsOf width: Int) {
        if !team.repeats(width) { wait(for: team) }
    }

    /// What a block reads: the team's normalised rows, or the residual stream itself if the model has no norm there.
    func normalize(_ team: RowTeam, weight: WeightVector?) -> UnsafeMutablePointer<Float> {
        let size = configuration.hiddenSize
        guard let weight else {
            wait(for: team, rowsOf: size)
            return team.residual
        }
        let normalized = team.normalized(size)
        for row in team.own(size) {
            Kernels.table.rms_norm(team.residual + row * size, weight.base, normalized + row * size, size, configuration.normEpsilon)
        }
        wait(for: team, rowsOf: size)
        return normalized
    }

    /// Adds what a block has computed to the residual stream.
    private func addUpdate(_ team: RowTeam, norm: WeightVector?) {
        let size = configuration.hiddenSize
        let (rows, factor) = (team.own(size), configuration.residualScale)
        for row in rows {
            var update = team.scratch.update.base + row * size
            // The update itself may be read by all.
            let changed = team.normalized(size) + row * size
            if let norm {
                Kernels.table.rms_norm(update, norm.base, changed, size, configuration.normEpsilon)
                update = changed
            }
            if factor != 1 {
                for element in 0..<size { changed[element] = update[element] * factor }
                update = changed
            }
            Kernels.table.add(team.residual + row * size, update, size)
        }
    }

    /// Products of the team's rows, `[rows, inputs]` from `x` on; writes this worker's columns of `y`, `[rows, outputs]`.
    ///
    /// - Parameter finish: Called with the columns that this worker has written.
    func multiply(
        _ projection: Projection,
        from x: UnsafePointer<Float>,
        to y: UnsafeMutablePointer<Float>,
        _ team: RowTeam,
        finish: (Range<Int>) -> Void = { _ in }
    ) {
        let input = prepare(x, for: projection, team)
        let tile = scratch.workers[team.worker].tile
        team.forEachRange(of: projection, dealer: dealer) { range in
            projection.multiply(share: range, rows: team.plan, x: x, input: input, y: y, tile: tile)
            finish(range)
        }
    }

    /// The rows in the forms that the projection reads.
    private func prepare(_ x: UnsafePointer<Float>, for projection: Projection, _ team: RowTeam) -> PreparedInput {
        let input = team.input(projection.inputs)
        guard projection.needsPreparedInput else { return input }
        projection.prepare(team.own(projection.inputs), x: x, into: input)
        wait(for: team, rowsOf: projection.inputs)
        return input
    }

    private func scale(_ values: UnsafeMutablePointer<Float>, _ count: Int, by factor: Float) {
        guard factor != 1 else { return }
        for index in 0..<count { values[index] *= factor }
    }
}
