import Foundation

/// The public face of the library: runs many generations on one loaded model at the same time.
///
/// Thread contract: every member may be called from any thread or task. Work is done by the engine's own threads; no caller waits for a
/// forward pass.
public final class InferenceEngine: Sendable {
    public let model: LanguageModel
    public let configuration: EngineConfiguration
    /// Longest sequence (prompt and reply), in tokens.
    public let contextLength: Int
    /// Most sequences in one step.
    public let maxBatch: Int
    /// Compute threads.
    public let threads: Int
    /// Whether prompts go through BLAS; if not, through our own kernels.
    public let usesBLAS: Bool
    private let mailbox: EngineMailbox

    /// Starts the engine thread and the compute pool.
    ///
    /// - Throws: ``InferenceError`` `invalidConfiguration`, `outOfMemory`.
    public init(model: LanguageModel, configuration: EngineConfiguration = EngineConfiguration()) throws(InferenceError) {
        let plan = try EnginePlan(model: model, configuration: configuration)
        let cache = try KVCache(
            layers: model.configuration.layerCount,
            keyValueHeads: model.configuration.keyValueHeadCount,
            headSize: model.configuration.headSize,
            element: plan.cacheElement,
            blockCount: plan.cacheBlocks
        )
        let pool = ComputePool(workerCount: plan.threads)
        let transformer: Transformer
        do {
            transformer = try Transformer(
                configuration: model.configuration,
                weights: model.weights,
                cache: cache,
                pool: pool,
                maxRows: plan.prefillChunk + plan.maxBatch,
                maxOutputs: plan.maxBatch,
                usesBLAS: plan.usesBLAS
            )
        } catch {
            pool.stop()
            throw error
        }
        let scheduler = Scheduler(
            limits: .init(maxBatch: plan.maxBatch, prefillChunk: plan.prefillChunk),
            blockCount: plan.cacheBlocks
        )
        let mailbox = EngineMailbox(
            maxQueue: configuration.maxQueue,
            maxBatch: plan.maxBatch,
            status: EngineStatus(capacity: plan.maxBatch + configuration.maxQueue, totalCacheBlocks: plan.cacheBlocks)
        )
        self.model = model
        self.configuration = configuration
        self.mailbox = mailbox
        contextLength = plan.contextLength
        maxBatch = plan.maxBatch
        threads = plan.threads
        usesBLAS = plan.usesBLAS
        let tokenizer = model.tokenizer
        Self.startThread(named: "stellar-engine") { [contextLength = plan.contextLength] in
            EngineCore(
                mailbox: mailbox,
                transformer: transformer,
                pool: pool,
                tokenizer: tokenizer,
                contextLength: contextLength,
                scheduler: scheduler
            ).run()
        }
    }

    deinit {
        mailbox.stop()
    }

    /// Queues a generation and returns its events at once.
    ///
    /// Cancelling the task that iterates, or dropping the stream, cancels the generation before the engine's next step and frees its place.
    ///
    /// - Throws: ``InferenceError`` `invalidRequest`, `contextLengthExceeded`, `queueFull`, `engineStopped`.
    public func generate(_ request: GenerationRequest) throws(InferenceError) -> GenerationStream {
        try request.validate(vocabularySize: model.configuration.vocabularySize, contextLength: contextLength)
        return try mailbox.submit(request)
    }

    /// What the engine is doing now.
    public var status: EngineStatus { mailbox.status }

    /// Ends all generations with `engineStopped`, and the engine's threads with them. Later calls of ``generate(_:)`` throw.
    public func shutdown() async {
        mailbox.stop()
        await mailbox.awaitStop()
    }

    /// Starts a thread of its own for long-running compute, which must not block the cooperative pool.
    static func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }
}
