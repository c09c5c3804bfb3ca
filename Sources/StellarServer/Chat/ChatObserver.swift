public import StellarProtocol

/// Is told how requests fare, for metrics and logs. Called on the path of every token: must be quick and must not block.
public protocol ChatObserver: Sendable {
    /// - Parameter model: the model that replies; `nil` where the request was refused before one was found.
    func observe(_ observation: ChatObservation, model: String?)
    /// The observer of a reply that begins in the current task.
    func forReply() -> any ChatObserver
}

extension ChatObserver {
    public func forReply() -> any ChatObserver { self }
}

/// One thing that happened to a request. Durations are on the monotonic clock.
public enum ChatObservation: Sendable, Equatable {
    /// Refused before anything was generated.
    case rejected(APIError)
    /// Taken by the backend, with this many choices.
    case queued(choices: Int)
    /// A choice's first token, this long after the request came.
    case firstToken(Duration)
    /// Further tokens of a choice, this long after those before.
    case tokens(count: Int, Duration)
    /// A choice's end, this long after the request came. Its timings tell queue, prefill and decode.
    case finished(ChoiceEnd, Duration)
    /// The reply broke off with an error.
    case failed(APIError)
    /// The client left, or stopped the reply.
    case cancelled
}
