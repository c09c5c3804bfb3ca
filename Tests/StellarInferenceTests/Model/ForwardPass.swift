import StellarInference

/// A forward pass without an engine around it: one pool, one cache, sequences by hand.
final class ForwardPass {
    let model: LanguageModel
    let transformer: Transformer
    private let pool: ComputePool
    private var allocator: BlockAllocator

    init(_ model: LanguageModel, threads: Int = 2, usesBLAS: Bool, fullPrecisionCache: Bool, blocks: Int = 256) throws {
        self.model = model
        pool = ComputePool(workerCount: threads)
        let cache = try KVCache(
            layers: model.configuration.layerCount, keyValueHeads: model.configuration.keyValueHeadCount,
            headSize: model.configuration.headSize, element: fullPrecisionCache ? .f32 : .f16, blockCount: blocks)
        transformer = try Transformer(
            configuration: model.configuration, weights: model.weights, cache: cache, pool: pool, maxRows: 1_024, maxOutputs: 64,
            usesBLAS: usesBLAS)
        allocator = BlockAllocator(blockCount: blocks)
    }

    deinit { pool.stop() }

    func blocks(for tokens: Int) throws -> [Int32] {
        guard let blocks = allocator.allocate(BlockAllocator.blocks(for: tokens)) else {
            throw InferenceError(.outOfMemory, "The test's cache is full.")
        }
        return blocks
    }

    func release(_ blocks: [Int32]) { allocator.release(blocks) }

    /// Logits after `tokens`, processed from the start in chunks of `chunk`.
    func logits(after tokens: [TokenID], chunk: Int = 512) throws -> [Float] {
        let blocks = try blocks(for: tokens.count)
        defer { release(blocks) }
        var logits: [Float] = []
        for start in stride(from: 0, to: tokens.count, by: chunk) {
            let part = Array(tokens[start..<min(start + chunk, tokens.count)])
            let segment = Batch.Segment(
                tokens: part, start: start, blocks: blocks, wantsLogits: start + part.count == tokens.count)
            logits = Array(transformer.forward(Batch(segments: [segment])))
        }
        return logits
    }
}
