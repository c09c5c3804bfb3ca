internal import StellarProtocol

/// Merges the events of a reply's choices in the order in which they come, and tells an observer on the way.
struct EventMerger: Sendable {
    let observer: (any ChatObserver)?
    let model: String
    /// When the request came.
    let arrival: ContinuousClock.Instant

    /// One stream of all events, and what cancels it. It ends when every choice has, or throws the first error of any, which ends the
    /// others. Cancelling its consumer, or dropping it, cancels them all.
    func merge(_ streams: [ChatStream]) -> (events: AsyncThrowingStream<ChatEvent, any Error>, cancel: @Sendable () -> Void) {
        let (merged, continuation) = AsyncThrowingStream<ChatEvent, any Error>.makeStream()
        let task = Task {
            do {
                try await forwardAll(streams, to: continuation)
                continuation.finish()
            } catch {
                continuation.finish(throwing: outcome(of: error))
            }
        }
        continuation.onTermination = { reason in
            if case .cancelled = reason { task.cancel() }
        }
        return (merged, { task.cancel() })
    }

    /// Tells the observer how a reply broke off, and returns what its consumer gets to know.
    private func outcome(of error: any Error) -> any Error {
        guard !Task.isCancelled else {
            observe(.cancelled)
            return CancellationError()
        }
        let error = APIError(anyError: error)
        observe(.failed(error))
        return error
    }

    private typealias Continuation = AsyncThrowingStream<ChatEvent, any Error>.Continuation

    private func forwardAll(_ streams: [ChatStream], to continuation: Continuation) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (choice, stream) in streams.enumerated() {
                group.addTask { try await forward(stream, choice, to: continuation) }
            }
            // The first error leaves the loop, and leaving the group by an error cancels what still runs.
            for try await _ in group {}
        }
    }

    private func forward(_ stream: ChatStream, _ choice: Int, to continuation: Continuation) async throws {
        var lastToken: ContinuousClock.Instant?
        var isFinished = false
        for try await event in stream {
            observe(event, &lastToken)
            if case .finished = event { isFinished = true }
            continuation.yield(ChatEvent(choice: choice, event))
        }
        guard isFinished else { throw APIError.internalError("The reply broke off.") }
    }

    private func observe(_ event: ChoiceEvent, _ lastToken: inout ContinuousClock.Instant?) {
        guard observer != nil else { return }
        let now = ContinuousClock.now
        switch event {
        case .started: break
        case .delta(let delta):
            guard delta.tokenCount > 0 else { return }
            observe(lastToken.map { .tokens(count: delta.tokenCount, now - $0) } ?? .firstToken(now - arrival))
            lastToken = now
        case .finished(let end): observe(.finished(end, now - arrival))
        }
    }

    private func observe(_ observation: ChatObservation) {
        observer?.observe(observation, model: model)
    }
}
