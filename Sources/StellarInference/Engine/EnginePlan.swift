/// The limits of an engine with every automatic choice made.
struct EnginePlan {
    let contextLength: Int
    let maxBatch: Int
    let threads: Int
    let prefillChunk: Int
    let cacheElement: KVCache.Element
    let cacheBlocks: Int
    let usesBLAS: Bool

    /// Sequences in a batch unless configured.
    private static let defaultMaxBatch = 16
    /// Prompt tokens in a step: large enough for a matrix product at full speed, small enough that running replies wait for it only briefly.
    private static let prefillChunk = 512

    /// - Throws: ``InferenceError`` `invalidConfiguration` naming the setting, its value and what is allowed.
    init(model: LanguageModel, configuration: EngineConfiguration) throws(InferenceError) {
        contextLength = try Self.check(
            configuration.contextLength, "CONTEXT_LENGTH", 16...model.contextLength, default: model.contextLength)
        maxBatch = try Self.check(configuration.maxBatch, "MAX_BATCH", 1...1_024, default: Self.defaultMaxBatch)
        _ = try Self.check(configuration.maxQueue, "MAX_QUEUE", 0...1_000_000, default: 0)
        threads = try Self.check(configuration.threads, "THREADS", 1...1_024, default: MachineTopology.usableCores)
        prefillChunk = min(Self.prefillChunk, contextLength)
        cacheElement = model.usesFullPrecision ? .f32 : .f16
        switch configuration.matrixProducts {
        case .auto: usesBLAS = BLASLibrary.current.isWorthUsing
        case .blas: usesBLAS = true
        case .kernels: usesBLAS = false
        }
        cacheBlocks = try Self.cacheBlocks(
            model, element: cacheElement, contextLength: contextLength, maxBatch: maxBatch, budget: configuration.cacheBytes)
    }

    private static func check(
        _ value: Int?, _ name: String, _ allowed: ClosedRange<Int>, default fallback: Int
    ) throws(InferenceError) -> Int {
        guard let value else { return fallback }
        guard allowed.contains(value) else {
            throw InferenceError(
                .invalidConfiguration, "\(name) is \(value); \(allowed.lowerBound) to \(allowed.upperBound) is possible.")
        }
        return value
    }

    /// Enough for every place of the batch to fill its context, within the budget, and at least enough for one.
    private static func cacheBlocks(
        _ model: LanguageModel, element: KVCache.Element, contextLength: Int, maxBatch: Int, budget: Int?
    ) throws(InferenceError) -> Int {
        let blockBytes = KVCache.blockBytes(
            layers: model.configuration.layerCount, keyValueHeads: model.configuration.keyValueHeadCount,
            headSize: model.configuration.headSize, element: element)
        let perSequence = BlockAllocator.blocks(for: contextLength)
        let affordable = (budget ?? MachineTopology.usableMemory / 4) / max(1, blockBytes)
        return max(perSequence, min(perSequence * maxBatch, affordable))
    }
}
