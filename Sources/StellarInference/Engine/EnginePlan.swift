/// The limits of an engine with every automatic choice made.
struct EnginePlan {
    let contextLength: Int
    let maxBatch: Int
    let threads: Int
    let cacheElement: KVCache.Element
    let cacheBlocks: Int
    let usesBLAS: Bool
    let speculation: EngineConfiguration.Speculation
    let limits: Scheduler.Limits

    /// Sequences in a batch unless configured.
    private static let defaultMaxBatch = 16
    /// Prompt tokens in a step: large enough for a matrix product at full speed.
    private static let prefillChunk = 512
    /// Prompt tokens in a step that running replies wait for: large enough that reading the weights once for them does not weigh.
    private static let sharedChunk = 128
    /// Rows with logits beside one for each sequence, for the log-probabilities of prompts.
    private static let promptOutputs = 32

    /// - Throws: ``InferenceError`` `invalidConfiguration` naming the setting, its value and what is allowed; `outOfMemory`.
    init(model: LanguageModel, configuration: EngineConfiguration) throws(InferenceError) {
        maxBatch = try Self.check(configuration.maxBatch, "MAX_BATCH", 1...1_024, default: Self.defaultMaxBatch)
        _ = try Self.check(configuration.maxQueue, "MAX_QUEUE", 0...1_000_000, default: 0)
        threads = try Self.check(configuration.threads, "THREADS", 1...1_024, default: MachineTopology.usableCores)
        cacheElement = configuration.cacheType.element(fullPrecision: model.usesFullPrecision)
        switch configuration.matrixProducts {
        case .auto: usesBLAS = !configuration.reproducible && BLASLibrary.current.isWorthUsing
        case .blas:
            guard !configuration.reproducible else {
                throw InferenceError(.invalidConfiguration, "REPRODUCIBLE rules out BLAS for prompts. Turn one of them off.")
            }
            usesBLAS = true
        case .kernels: usesBLAS = false
        }
        speculation = configuration.speculation
        let memory = CacheMemory(model.configuration, element: cacheElement, budget: configuration.cacheBytes)
        contextLength = try memory.contextLength(configured: configuration.contextLength, model: model.contextLength)
        cacheBlocks = memory.blocks(contextLength: contextLength, maxBatch: maxBatch)
        let chunk = try Self.check(configuration.prefillChunk, "PREFILL_CHUNK", 1...8_192, default: Self.prefillChunk)
        limits = Scheduler.Limits(
            maxBatch: maxBatch,
            prefillChunk: min(chunk, contextLength),
            sharedChunk: Self.sharedChunk,
            hasFixedCuts: usesBLAS,
            maxOutputs: maxBatch + Self.promptOutputs,
            maxDrafted: speculation == .off ? 0 : DraftPolicy.longest,
            findsPrefixes: configuration.prefixCaching
        )
    }

    fileprivate static func check(
        _ value: Int?,
        _ name: String,
        _ allowed: ClosedRange<Int>,
        default fallback: Int
    ) throws(InferenceError) -> Int {
        guard let value else { return fallback }
        guard allowed.contains(value) else {
            throw InferenceError(
                .invalidConfiguration,
                "\(name) is \(value); \(allowed.lowerBound) to \(allowed.upperBound) is possible."
            )
        }
        return value
    }
}

/// How many cache blocks the machine can afford, and what context that gives.
private struct CacheMemory {
    /// Blocks in the budget.
    private let affordable: Int
    /// Blocks in all of the memory.
    private let possible: Int

    init(_ model: ModelConfiguration, element: KVCache.Element, budget: Int?) {
        let blockBytes = max(
            1,
            KVCache.blockBytes(
                layers: model.layerCount,
                keyValueHeads: model.keyValueHeadCount,
                headSize: model.headSize,
                element: element
            )
        )
        possible = MachineTopology.usableMemory / blockBytes
        affordable = (budget ?? MachineTopology.usableMemory / 4) / blockBytes
    }

    /// The configured context if it can be held at all, else the model's, cut to what the budget holds.
    func contextLength(configured: Int?, model: Int) throws(InferenceError) -> Int {
        let least = 16
        guard let configured else {
            let length = min(model, affordable * KVCache.blockTokens)
            guard length >= min(least, model) else {
                throw InferenceError(.outOfMemory, "The memory does not hold a KV cache for \(least) tokens. Use a smaller model.")
            }
            return length
        }
        let greatest = max(least, min(model, possible * KVCache.blockTokens))
        return try EnginePlan.check(configured, "CONTEXT_LENGTH", least...greatest, default: model)
    }

    /// Enough for every place of the batch to fill its context, within the budget, and at least enough for one.
    func blocks(contextLength: Int, maxBatch: Int) -> Int {
        let perSequence = BlockAllocator.blocks(for: contextLength)
        return max(perSequence, min(perSequence * maxBatch, affordable))
    }
}
