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
    /// - Throws: ``APIError``: 400 where the conversation can't be replied to, 503 where there is no place.
    func start(_ generation: ChatGeneration) async throws(APIError) -> [ChatStream]
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

/// The events of one choice, in order: at most one start, any number of deltas, then one end, unless it throws.
public typealias ChatStream = any AsyncSequence<ChoiceEvent, any Error> & Sendable

/// What one choice reports.
public enum ChoiceEvent: Sendable, Equatable {
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
    /// Choices waiting for a place.
    public var waiting: Int
    /// Most choices that may wait.
    public var maxWaiting: Int
    /// Share of the key-value cache in use, 0…1.
    public var cacheUsage: Double

    public init(running: Int, waiting: Int, maxWaiting: Int, cacheUsage: Double = 0) {
        self.running = running
        self.waiting = waiting
        self.maxWaiting = maxWaiting
        self.cacheUsage = cacheUsage
    }
}
