public import StellarInference
public import StellarProtocol

/// What replies to conversations: the engine in this process, or a server elsewhere that speaks the same API.
///
/// Thread contract: every member may be called from any task.
public protocol ChatBackend: Sendable {
    /// The models that requests may name; the first is meant by requests that name none. Not empty.
    var models: [ModelObject] { get }
    /// Changes with anything that may change replies to the same request: model file, precision, version.
    var fingerprint: String { get }
    /// How busy the backend is now.
    var load: BackendLoad { get }

    /// Starts every choice of a request and returns one stream of events for each.
    ///
    /// Cancelling the task that iterates over a stream, or dropping it, ends that choice at once. If one choice can't start, none does.
    ///
    /// For the prompts of a legacy completion: first all choices of the first prompt, then those of the second.
    ///
    /// - Throws: ``APIError``: 400 where the conversation can't be replied to, 503 where there is no place.
    func start(_ generation: ChatGeneration) async throws(APIError) -> [ChatStream]

    /// The tokens of a text.
    ///
    /// - Throws: ``APIError`` 400 where this backend has no tokeniser.
    func tokenize(_ request: TokenizeRequest) throws(APIError) -> TokenizeResponse

    /// The text of tokens.
    ///
    /// - Throws: ``APIError`` 400 for a token outside of the vocabulary, or where this backend has no tokeniser.
    func detokenize(_ tokens: [Int]) throws(APIError) -> String
}

extension ChatBackend {
    public func tokenize(_ request: TokenizeRequest) throws(APIError) -> TokenizeResponse {
        throw .invalidRequest("This server's model does not offer its tokeniser.", code: "unsupported_operation")
    }

    public func detokenize(_ tokens: [Int]) throws(APIError) -> String {
        throw .invalidRequest("This server's model does not offer its tokeniser.", code: "unsupported_operation")
    }
}

/// What a backend is asked for.
public struct ChatGeneration: Sendable, Equatable {
    /// One of ``ChatBackend/models``.
    public var model: String
    public var request: ValidatedChatRequest

    public init(model: String, request: ValidatedChatRequest) {
        self.model = model
        self.request = request
    }
}

/// The events of one choice, in order: news of queue and prompt, at most one start, any number of deltas, then one end, unless it throws.
public typealias ChatStream = any AsyncSequence<ChoiceEvent, any Error> & Sendable

/// A ``ChatStream`` that hands out all that is there at once, and can be woken: reading it takes no task of its own.
public protocol BatchedChatStream: AsyncSequence<ChoiceEvent, any Error>, Sendable {
    /// All events that are there, waiting for the first if there are none; empty after ``interrupt()``; `nil` at the end.
    func nextBatch() async throws -> [ChoiceEvent]?
    /// Makes a waiting ``nextBatch()`` return an empty batch.
    func interrupt()
    /// Ends the choice; without effect on one that has ended.
    func cancel()
}

/// What one choice reports.
public enum ChoiceEvent: Sendable, Equatable {
    /// The choice waits; 1 is next.
    case queued(position: Int)
    /// This many of the prompt's tokens have been computed.
    case prefill(processed: Int, total: Int)
    /// The choice has left the queue.
    case started(GenerationStart)
    case delta(ChoiceDelta)
    case finished(ChoiceEnd)
}

/// The next piece of a choice.
public struct ChoiceDelta: Sendable, Equatable {
    /// Whole characters; may be empty.
    public var text: String
    /// Tokens generated since the last delta.
    public var tokenCount: Int
    /// One entry for each token if they were asked for, else empty.
    public var logprobs: [ChoiceLogprobs.TokenLogprobs]

    public init(text: String, tokenCount: Int = 1, logprobs: [ChoiceLogprobs.TokenLogprobs] = []) {
        self.text = text
        self.tokenCount = tokenCount
        self.logprobs = logprobs
    }
}

/// The end of a choice.
public struct ChoiceEnd: Sendable, Equatable {
    /// `stop` or `length`.
    public var finishReason: String
    public var usage: TokenUsage
    public var timings: GenerationTimings

    public init(finishReason: String, usage: TokenUsage, timings: GenerationTimings) {
        self.finishReason = finishReason
        self.usage = usage
        self.timings = timings
    }
}

/// How busy a backend is.
public struct BackendLoad: Sendable, Equatable {
    /// Choices being generated.
    public var running: Int
    /// Choices that rest until their reader has caught up.
    public var paused = 0
    /// Choices waiting for a place.
    public var waiting: Int
    /// Most choices that may wait.
    public var maxWaiting: Int
    /// Share of the key-value cache in use, 0…1.
    public var cacheUsage: Double
    /// Totals since the start.
    public var totals = Totals()

    /// What a backend counts itself; `nil` where it does not.
    public struct Totals: Sendable, Equatable {
        /// Prompt tokens looked up in the prefix cache, and those found.
        public var prefixCacheQueries: Int?
        public var prefixCacheHits: Int?
        /// Sequences that had to give up their place for a while.
        public var preemptions: Int?
        /// Tokens guessed ahead, and those that were right.
        public var draftedTokens: Int?
        public var acceptedTokens: Int?

        public init() {}
    }

    public init(running: Int, paused: Int = 0, waiting: Int, maxWaiting: Int, cacheUsage: Double = 0) {
        self.running = running
        self.paused = paused
        self.waiting = waiting
        self.maxWaiting = maxWaiting
        self.cacheUsage = cacheUsage
    }
}
