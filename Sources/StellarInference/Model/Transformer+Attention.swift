import CStellarKernels

extension Transformer {
    /// Attention of all rows; leaves what it adds to the residual stream in `update`.
    func attention(_ layer: ModelWeights.Layer, index: Int, rows: Range<Int>, worker: Int) {
        let input = normalize(rows, weight: layer.attentionNorm)
        pool.barrier()
        multiply(layer.queryKeyValue, from: input, to: scratch.projected, worker: worker)
        pool.barrier()
        normalizeHeads(rows, layer)
        storeKeysAndValues(rows, layer: index)
        pool.barrier()
        attend(layer: index, worker: worker)
        pool.barrier()
        multiply(layer.attentionOutput, from: scratch.attended, to: scratch.update, worker: worker)
        pool.barrier()
    }

    /// RMS norm of queries and keys in place.
    private func normalizeHeads(_ rows: Range<Int>, _ layer: ModelWeights.Layer) {
        guard let query = layer.queryNorm, let key = layer.keyNorm else { return }
        let (querySize, keySize) = (configuration.querySize, configuration.keySize)
        for row in rows {
            let queries = scratch.projected.base + row * (querySize + 2 * keySize)
            normalize(queries, count: querySize, weight: query)
            normalize(queries + querySize, count: keySize, weight: key)
        }
    }

    /// Runs of the weight's length, each by itself: heads, or all of them at once.
    private func normalize(_ values: UnsafeMutablePointer<Float>, count: Int, weight: WeightVector) {
        for start in stride(from: 0, to: count, by: weight.count) {
            Kernels.table.rms_norm(values + start, weight.base, values + start, weight.count, configuration.normEpsilon)
        }
    }

    private func storeKeysAndValues(_ rows: Range<Int>, layer: Int) {
        let headSize = configuration.headSize
        let heads = configuration.keyValueHeadCount
        let width = configuration.querySize + 2 * configuration.keySize
        for row in rows {
            let keys = scratch.projected.base + row * width + configuration.querySize
            let position = layout.positions[row]
            let block = layout.blocks[layout.segmentOfRow[row]][position / KVCache.blockTokens]
            for head in 0..<heads {
                let key = keys + head * headSize
                rotate(key, row: row, layer: layer)
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

    /// Attention of all query rows over their sequences' caches: tiles of rows and KV heads are dealt out to the workers in turn.
    private func attend(layer: Int, worker: Int) {
        let heads = configuration.keyValueHeadCount
        for task in stride(from: worker, to: layout.tiles.count * heads, by: pool.workerCount) {
            attend(layout.tiles[task / heads], layer: layer, head: task % heads, memory: scratch.workers[worker])
        }
    }

    /// One tile: the rows' query heads that share KV head `head`, against all blocks that any of the rows sees.
    private func attend(_ tile: BatchLayout.AttentionTile, layer: Int, head: Int, memory: TransformerScratch.Worker) {
        let headSize = configuration.headSize
        let queries = tile.rows.count * configuration.groupSize
        gatherQueries(tile, layer: layer, head: head, into: memory.queries.base)
        Kernels.table.attention_start(memory.maxima.base, memory.sums.base, memory.sumsOfValues.base, headSize, queries, headSize)
        let blocks = layout.blocks[tile.segment]
        let window = configuration.layers[layer].window
        let first = window.map { max(0, layout.positions[tile.rows.lowerBound] + 1 - $0) } ?? 0
        let last = layout.positions[tile.rows.upperBound - 1]
        for block in first / KVCache.blockTokens...last / KVCache.blockTokens {
            setVisible(tile, block: block, window: window, memory)
            var arguments = stellar_attention_block(
                q: memory.queries.base,
                ldq: headSize,
                queries: queries,
                head_size: headSize,
                soft_cap: configuration.attentionSoftCap ?? 0,
                keys: cache.keys(layer: layer, head: head, block: blocks[block]),
                values: cache.values(layer: layer, head: head, block: blocks[block]),
                kv_type: cache.element.kernelType,
                block_tokens: KVCache.blockTokens,
                visible: memory.visible.base,
                hidden: window == nil ? nil : UnsafePointer(memory.hidden.base),
                max: memory.maxima.base,
                sum: memory.sums.base,
                acc: memory.sumsOfValues.base,
                ldacc: headSize
            )
            Kernels.table.attention_block(&arguments)
        }
        scatterResults(tile, head: head, memory: memory)
    }

    /// Which tokens of `block` each query of the tile sees: those up to its own, less those before its window.
    private func setVisible(_ tile: BatchLayout.AttentionTile, block: Int, window: Int?, _ memory: TransformerScratch.Worker) {
        let group = configuration.groupSize
        let start = block * KVCache.blockTokens
        for query in 0..<tile.rows.count * group {
            let end = layout.positions[tile.rows.lowerBound + query / group] + 1 - start
            memory.visible.base[query] = UInt32(max(0, min(KVCache.blockTokens, end)))
            guard let window else { continue }
            let hidden = max(0, min(KVCache.blockTokens, end - window))
            if hidden == KVCache.blockTokens { memory.visible.base[query] = 0 }
            memory.hidden.base[query] = UInt32(hidden)
        }
    }

    /// Rotated and scaled queries, `[rows · group size, head size]`.
    private func gatherQueries(_ tile: BatchLayout.AttentionTile, layer: Int, head: Int, into target: UnsafeMutablePointer<Float>) {
        let headSize = configuration.headSize
        let group = configuration.groupSize
        let width = configuration.querySize + 2 * configuration.keySize
        let scale = configuration.attentionScale
        for (index, row) in tile.rows.enumerated() {
            let source = scratch.projected.base + row * width + head * group * headSize
            for member in 0..<group {
                let query = target + (index * group + member) * headSize
                query.update(from: source + member * headSize, count: headSize)
                rotate(query, row: row, layer: layer)
                for element in 0..<headSize { query[element] *= scale }
            }
        }
    }

    private func scatterResults(_ tile: BatchLayout.AttentionTile, head: Int, memory: TransformerScratch.Worker) {
        let headSize = configuration.headSize
        let groupWidth = configuration.groupSize * headSize
        for (index, row) in tile.rows.enumerated() {
            let first = index * configuration.groupSize
            let target = scratch.attended.base + row * configuration.querySize + head * groupWidth
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
