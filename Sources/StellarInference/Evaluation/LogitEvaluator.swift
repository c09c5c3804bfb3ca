import CStellarKernels

/// Computes the logits of given tokens: a network without an engine around it. Needs no tokenizer.
///
/// Thread contract: one thread at a time; the calling thread works, too.
package final class LogitEvaluator {
    /// How an evaluator computes.
    package struct Options: Sendable {
        package var precision: LanguageModel.Precision
        /// `nil`: as many as the process may use.
        package var threads: Int?
        /// Form of the keys and values of past tokens.
        package var cacheType: EngineConfiguration.CacheType
        /// Tokens in a forward pass. 1 is how replies are generated.
        package var chunk: Int
        /// As ``Transformer`` takes it.
        package var repeatedElements: Int

        package init(
            precision: LanguageModel.Precision = .auto,
            threads: Int? = nil,
            cacheType: EngineConfiguration.CacheType = .auto,
            chunk: Int = 512,
            repeatedElements: Int = Transformer.repeatedElements
        ) {
            self.precision = precision
            self.threads = threads
            self.cacheType = cacheType
            self.chunk = chunk
            self.repeatedElements = repeatedElements
        }
    }

    package let configuration: ModelConfiguration
    /// Longest sequence, in tokens.
    package let contextLength: Int
    private let transformer: Transformer
    private let pool: ComputePool
    private let blocks: [Int32]
    private let chunk: Int

    /// Rows of logits that are computed at once: more would only take more memory.
    private static let maxOutputs = 64

    /// - Parameter contextLength: Tokens that ``evaluate(_:from:_:)`` is given at most.
    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`, `outOfMemory`; `contextLengthExceeded` if the model was trained
    ///   for fewer tokens.
    package init(_ files: ModelFiles, contextLength: Int, options: Options = Options()) throws(InferenceError) {
        try Kernels.validateSelection()
        let blueprint = try ModelBlueprint(files)
        let configuration = blueprint.configuration
        guard (1...configuration.contextLength).contains(contextLength) else {
            throw InferenceError(
                .contextLengthExceeded,
                "\(contextLength) tokens are asked for, but the model was trained for \(configuration.contextLength)."
            )
        }
        let pool = ComputePool(workerCount: options.threads ?? MachineTopology.usableCores)
        do throws(InferenceError) {
            let weights = try WeightLoader(blueprint: blueprint, precision: options.precision, pool: pool).load()
            let blockCount = BlockAllocator.blocks(for: contextLength)
            let cache = try KVCache(
                layers: configuration.layerCount,
                keyValueHeads: configuration.keyValueHeadCount,
                headSize: configuration.headSize,
                element: options.cacheType.element(fullPrecision: weights.isFullPrecision),
                blockCount: blockCount
            )
            chunk = max(1, min(options.chunk, contextLength))
            transformer = try Transformer(
                configuration: configuration,
                weights: weights,
                cache: cache,
                pool: pool,
                maxRows: chunk,
                maxOutputs: min(chunk, Self.maxOutputs),
                usesBLAS: BLASLibrary.current.isWorthUsing,
                contextLength: contextLength,
                repeatedElements: options.repeatedElements
            )
            blocks = (0..<blockCount).map { Int32($0) }
        } catch {
            pool.stop()
            throw error
        }
        self.configuration = configuration
        self.contextLength = contextLength
        self.pool = pool
    }

    deinit { pool.stop() }

    /// Calls `body` with the logits, `[vocabulary]`, after each of the tokens from index `first` on, in order.
    ///
    /// - Throws: ``InferenceError`` `invalidRequest` if a token is not in the vocabulary; `contextLengthExceeded`.
    package func evaluate(
        _ tokens: [TokenID],
        from first: Int = 0,
        _ body: (_ index: Int, _ logits: UnsafeBufferPointer<Float>) -> Void
    ) throws(InferenceError) {
        guard tokens.count <= contextLength else {
            throw InferenceError(.contextLengthExceeded, "There are \(tokens.count) tokens; \(contextLength) are possible.")
        }
        let vocabulary = configuration.vocabularySize
        if let token = tokens.first(where: { !(0..<vocabulary).contains(Int($0)) }) {
            throw InferenceError(.invalidRequest, "There is no token \(token): the vocabulary has \(vocabulary).")
        }
        var start = 0
        while start < tokens.count {
            // Rows without logits first, then as many with logits as there is room for.
            let end = start < first ? min(start + chunk, first, tokens.count) : min(start + min(chunk, Self.maxOutputs), tokens.count)
            let rows = start < first ? 0 : end - start
            let segment = Batch.Segment(tokens: Array(tokens[start..<end]), start: start, blocks: blocks, logitRows: rows)
            let logits = transformer.forward(Batch(segments: [segment]))
            for row in 0..<rows {
                body(start + row, UnsafeBufferPointer(rebasing: logits[row * vocabulary..<(row + 1) * vocabulary]))
            }
            start = end
        }
    }
}

/// What ``LogitEvaluator`` is asked for most often about a row of logits.
package enum LogitSummary {
    /// The index of the greatest, the lowest one of equals.
    package static func argmax(_ logits: UnsafeBufferPointer<Float>) -> Int {
        Kernels.table.argmax(logits.baseAddress, logits.count)
    }

    /// log Σ exp.
    package static func logSumExp(_ logits: UnsafeBufferPointer<Float>) -> Float {
        Kernels.table.log_sum_exp(logits.baseAddress, logits.count)
    }
}
