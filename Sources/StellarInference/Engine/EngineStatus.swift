/// A snapshot of the engine's load, and what it has counted since it started.
public struct EngineStatus: Sendable, Equatable {
    /// Sequences that have a place in the batch.
    public var running: Int
    /// Sequences that have given up their place until their reader has caught up.
    public var paused: Int
    /// Requests in the queue.
    public var waiting: Int
    /// Most requests that the engine accepts at the same time, running, paused and waiting.
    public var capacity: Int
    /// Cache blocks that sequences hold.
    public var usedCacheBlocks: Int
    /// Cache blocks that nobody holds but whose content is kept for later prompts.
    public var reusableCacheBlocks: Int
    public var totalCacheBlocks: Int
    /// Prompt tokens that were looked up in the prefix cache, and how many of them were found.
    public var prefixCacheQueries: Int
    public var prefixCacheHits: Int
    /// How often a sequence gave its memory to another one and was computed again later.
    public var preemptions: Int
    /// Guessed tokens that were checked, and how many of them were right.
    public var draftedTokens: Int
    public var acceptedTokens: Int

    public init(
        running: Int = 0,
        paused: Int = 0,
        waiting: Int = 0,
        capacity: Int = 0,
        usedCacheBlocks: Int = 0,
        reusableCacheBlocks: Int = 0,
        totalCacheBlocks: Int = 0,
        prefixCacheQueries: Int = 0,
        prefixCacheHits: Int = 0,
        preemptions: Int = 0,
        draftedTokens: Int = 0,
        acceptedTokens: Int = 0
    ) {
        self.running = running
        self.paused = paused
        self.waiting = waiting
        self.capacity = capacity
        self.usedCacheBlocks = usedCacheBlocks
        self.reusableCacheBlocks = reusableCacheBlocks
        self.totalCacheBlocks = totalCacheBlocks
        self.prefixCacheQueries = prefixCacheQueries
        self.prefixCacheHits = prefixCacheHits
        self.preemptions = preemptions
        self.draftedTokens = draftedTokens
        self.acceptedTokens = acceptedTokens
    }
}
