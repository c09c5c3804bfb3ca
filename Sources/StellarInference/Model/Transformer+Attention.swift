import CStellarKernels
import Synchronization

extension Transformer {
    /// Queries, keys and values of the team's rows; keys and values go to the cache.
    func projectHeads(_ layer: ModelWeights.Layer, index: Int, _ team: RowTeam) {
        let input = normalize(team, weight: layer.attentionNorm)
        let projected = team.scratch.projected.base
        multiply(layer.queryKeyValue, from: input, to: projected, team)
        wait(for: team)
        let (querySize, keySize) = (configuration.querySize, configuration.keySize)
        for row in team.own {
            let queries = projected + row * (querySize + 2 * keySize)
            let keys = queries + querySize
            if let weight = layer.queryNorm { normalize(queries, count: querySize, weight: weight) }
            if let weight = layer.keyNorm { normalize(keys, count: keySize, weight: weight) }
            keepQueries(queries, at: team.heads + row * querySize, row: team.rows.lowerBound + row, layer: index)
            store(keys: keys, values: keys + keySize, row: team.rows.lowerBound + row, layer: index)
        }
    }

    /// Runs of the weight's length, each by itself: heads, or all of them at once.
    private func normalize(_ values: UnsafeMutablePointer<Float>, count: Int, weight: WeightVector) {
        for start in stride(from: 0, to: count, by: weight.count) {
            Kernels.table.rms_norm(values + start, weight.base, values + start, weight.count, configuration.normEpsilon)
        }
    }

    /// Rotates and scales the queries of a row for ``attend(_:layer:worker:)``.
    private func keepQueries(_ queries: UnsafePointer<Float>, at target: UnsafeMutablePointer<Float>, row: Int, layer: Int) {
        let size = configuration.querySize
        target.update(from: queries, count: size)
        for head in 0..<configuration.headCount { rotate(target + head * configuration.headSize, row: row, layer: layer) }
        let scale = configuration.attentionScale
        for element in 0..<size { target[element] *= scale }
    }

    /// Rotates the keys of a row and stores them and the values in the cache.
    private func store(keys: UnsafeMutablePointer<Float>, values: UnsafePointer<Float>, row: Int, layer: Int) {
        let headSize = configuration.headSize
        let position = layout.positions[row]
        let block = layout.blocks[layout.segmentOfRow[row]][position / KVCache.blockTokens]
        for head in 0..<configuration.keyValueHeadCount {
            rotate(keys + head * headSize, row: row, layer: layer)
            cache.store(
                key: keys + head * headSize,
                value: values + head * headSize,
                layer: layer,
                head: head,
                block: block,
                slot: position % KVCache.blockTokens
            )
        }
    }

    private func rotate(_ head: UnsafeMutablePointer<Float>, row: Int, layer: Int) {
        guard let rope = configuration.layers[layer].rope else { return }
        let pairs = ropes[rope].pairs
        let cosines = scratch.angles[rope].cosines.base + row * pairs
        let sines = scratch.angles[rope].sines.base + row * pairs
        switch ropes[rope].pairing {
        case .interleaved: Kernels.table.rope_interleaved(head, cosines, sines, pairs)
        case .half: Kernels.table.rope_half(head, cosines, sines, pairs)
        }
    }

    /// This worker's part of the attention of the plan's query rows over their sequences' caches. Results take the places of the queries.
    func attend(_ plan: AttentionPlan, layer: Int, worker: Int) {
        let memory = scratch.workers[worker].attention
        for item in plan.items[worker] {
            let tile = plan.tiles[item.tile]
            gatherQueries(tile, head: item.head, into: memory.queries.base)
            if let slot = item.slot {
                attend(item, tile, layer: layer, shared: scratch.shared[slot], memory: memory)
                guard scratch.shared[slot].isLast(of: plan.shared[slot].workers) else { continue }
                join(scratch.shared[slot], tile, layer: layer, memory: memory)
            } else {
                attend(item, tile, layer: layer, memory: memory)
            }
            scatterResults(tile, head: item.head, state: memory.state)
        }
    }

    /// All partitions of one head of a tile, joined as they come.
    private func attend(_ item: AttentionPlan.Item, _ tile: AttentionPlan.Tile, layer: Int, memory: AttentionScratch) {
        let partitions = item.partitions.clamped(to: visiblePartitions(tile, layer: layer))
        for partition in partitions {
            let isFirst = partition == partitions.lowerBound
            attend(partition, tile, layer: layer, head: item.head, memory: memory, into: isFirst ? memory.state : memory.part)
            if !isFirst { memory.state.merge(memory.part, queries: tile.rows.count * configuration.groupSize) }
        }
    }

    /// The partitions of one head that this worker computes of those that several share.
    private func attend(
        _ item: AttentionPlan.Item,
        _ tile: AttentionPlan.Tile,
        layer: Int,
        shared: SharedAttention,
        memory: AttentionScratch
    ) {
        for partition in item.partitions.clamped(to: visiblePartitions(tile, layer: layer)) {
            attend(partition, tile, layer: layer, head: item.head, memory: memory, into: shared.state(partition))
        }
    }

    /// Partitions of which some row of the tile sees something.
    private func visiblePartitions(_ tile: AttentionPlan.Tile, layer: Int) -> Range<Int> {
        let first = configuration.layers[layer].window.map { max(0, layout.positions[tile.rows.lowerBound] + 1 - $0) } ?? 0
        return first / AttentionPlan.partitionTokens..<tile.partitions
    }

    private func join(_ shared: SharedAttention, _ tile: AttentionPlan.Tile, layer: Int, memory: AttentionScratch) {
        let queries = tile.rows.count * configuration.groupSize
        let partitions = visiblePartitions(tile, layer: layer)
        memory.state.copy(shared.state(partitions.lowerBound), queries: queries)
        for partition in partitions.dropFirst() { memory.state.merge(shared.state(partition), queries: queries) }
    }

    /// The query heads of the tile's rows that share KV head `head`, against one partition of the past.
    private func attend(
        _ partition: Int,
        _ tile: AttentionPlan.Tile,
        layer: Int,
        head: Int,
        memory: AttentionScratch,
        into state: AttentionState
    ) {
        let group = configuration.groupSize
        let window = configuration.layers[layer].window
        let start = partition * AttentionPlan.partitionTokens
        let tokens = min(AttentionPlan.partitionTokens, tile.lastPosition + 1 - start)
        let blocks = layout.blocks[tile.segment]
        let firstBlock = start / KVCache.blockTokens
        let count = (tokens + KVCache.blockTokens - 1) / KVCache.blockTokens
        for index in 0..<count {
            memory.keys.base[index] = UnsafeRawPointer(cache.keys(layer: layer, head: head, block: blocks[firstBlock + index]))
            memory.values.base[index] = UnsafeRawPointer(cache.values(layer: layer, head: head, block: blocks[firstBlock + index]))
        }
        for (index, row) in tile.rows.enumerated() {
            let end = layout.positions[row] + 1 - start
            for query in index * group..<(index + 1) * group {
                memory.first.base[query] = UInt32(clamping: window.map { end - $0 } ?? 0)
                memory.end.base[query] = UInt32(clamping: min(tokens, end))
            }
        }
        let next = firstBlock + count < blocks.count ? blocks[firstBlock + count] : blocks[firstBlock]
        var arguments = stellar_attention(
            q: memory.queries.base,
            ldq: configuration.headSize,
            queries: tile.rows.count * group,
            head_size: configuration.headSize,
            blocks: count,
            keys: UnsafePointer(memory.keys.base),
            values: UnsafePointer(memory.values.base),
            next: UnsafeRawPointer(cache.keys(layer: layer, head: head, block: next)),
            kv_type: cache.element.kernelType,
            block_tokens: KVCache.blockTokens,
            first: memory.first.base,
            end: memory.end.base,
            soft_cap: configuration.attentionSoftCap ?? 0,
            max: state.maxima,
            sum: state.sums,
            acc: state.values,
            ldacc: configuration.headSize
        )
        Kernels.table.attention(&arguments)
    }

    /// The queries that share KV head `head`, `[rows · group size, head size]`.
    private func gatherQueries(_ tile: AttentionPlan.Tile, head: Int, into target: UnsafeMutablePointer<Float>) {
        let width = configuration.groupSize * configuration.headSize
        for (index, row) in tile.rows.enumerated() {
            (target + index * width).update(from: scratch.heads.base + row * configuration.querySize + head * width, count: width)
        }
    }

    private func scatterResults(_ tile: AttentionPlan.Tile, head: Int, state: AttentionState) {
        let headSize = configuration.headSize
        let groupWidth = configuration.groupSize * headSize
        for (index, row) in tile.rows.enumerated() {
            let first = index * configuration.groupSize
            let target = scratch.heads.base + row * configuration.querySize + head * groupWidth
            Kernels.table.attention_finish(
                state.sums + first,
                state.values + first * headSize,
                headSize,
                configuration.groupSize,
                headSize,
                target,
                headSize
            )
        }
    }
}

/// Softmax attention of some queries over some of the past: greatest scores and sums of weights, `[queries]`, and weighted values,
/// `[queries, head size]`, of memory that somebody else owns.
struct AttentionState: @unchecked Sendable {
    // @unchecked: pointers into a buffer; a state is written by one worker, and read by another only after an acquire.
    let maxima: UnsafeMutablePointer<Float>
    let sums: UnsafeMutablePointer<Float>
    let values: UnsafeMutablePointer<Float>
    let headSize: Int

    /// - Parameter memory: ``count(queries:headSize:)`` numbers.
    init(_ memory: UnsafeMutablePointer<Float>, queries: Int, headSize: Int) {
        values = memory
        maxima = memory + queries * headSize
        sums = maxima + queries
        self.headSize = headSize
    }

    static func count(queries: Int, headSize: Int) -> Int {
        queries * (headSize + 2)
    }

    func copy(_ other: AttentionState, queries: Int) {
        maxima.update(from: other.maxima, count: queries)
        sums.update(from: other.sums, count: queries)
        values.update(from: other.values, count: queries * headSize)
    }

    /// Joins the state of a later part of the past to this one.
    func merge(_ later: AttentionState, queries: Int) {
        Kernels.table.attention_merge(maxima, sums, values, later.maxima, later.sums, later.values, queries, headSize, headSize)
    }
}

/// What one worker needs for attention.
final class AttentionScratch: Sendable {
    /// `[tile rows · group size, head size]`.
    let queries: FloatBuffer
    let state: AttentionState
    let part: AttentionState
    /// The places of a partition that each query sees.
    let first: Buffer<UInt32>
    let end: Buffer<UInt32>
    /// The blocks of a partition.
    let keys: Buffer<UnsafeRawPointer?>
    let values: Buffer<UnsafeRawPointer?>
    private let states: FloatBuffer

    init(_ configuration: ModelConfiguration) throws(InferenceError) {
        let count = AttentionPlan.tileRows * configuration.groupSize
        let headSize = configuration.headSize
        let stateCount = AttentionState.count(queries: count, headSize: headSize)
        queries = try FloatBuffer(count: count * headSize, purpose: "queries")
        states = try FloatBuffer(count: 2 * stateCount, purpose: "attention results")
        state = AttentionState(states.base, queries: count, headSize: headSize)
        part = AttentionState(states.base + stateCount, queries: count, headSize: headSize)
        first = try Buffer(count: count, purpose: "attention masks")
        end = try Buffer(count: count, purpose: "attention masks")
        let blocks = AttentionPlan.partitionTokens / KVCache.blockTokens
        keys = try Buffer(count: blocks, purpose: "attention blocks")
        values = try Buffer(count: blocks, purpose: "attention blocks")
    }
}

/// The states of all partitions of a head whose attention several workers compute.
final class SharedAttention: Sendable {
    private let states: FloatBuffer
    private let queries: Int
    private let headSize: Int
    private let arrived = Atomic<Int>(0)

    /// - Parameter tokens: Most tokens of a sequence.
    init(_ configuration: ModelConfiguration, tokens: Int) throws(InferenceError) {
        queries = AttentionPlan.tileRows * configuration.groupSize
        headSize = configuration.headSize
        let partitions = (tokens + AttentionPlan.partitionTokens - 1) / AttentionPlan.partitionTokens
        let count = AttentionState.count(queries: queries, headSize: headSize)
        states = try FloatBuffer(count: partitions * count, purpose: "attention results")
    }

    func state(_ partition: Int) -> AttentionState {
        let count = AttentionState.count(queries: queries, headSize: headSize)
        return AttentionState(states.base + partition * count, queries: queries, headSize: headSize)
    }

    /// Says that a worker has finished its partitions. Returns whether it was the last of `workers`, who then sees what all have written.
    func isLast(of workers: Int) -> Bool {
        guard arrived.add(1, ordering: .acquiringAndReleasing).newValue == workers else { return false }
        arrived.store(0, ordering: .relaxed)
        return true
    }
}
