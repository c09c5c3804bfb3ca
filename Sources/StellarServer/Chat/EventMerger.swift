internal import StellarProtocol

/// Merges the events of a reply's choices in the order in which they come, and tells an observer on the way.
struct EventMerger: Sendable {
    /// Events that may wait for a slow reader before its choices wait.
    private static let capacity = 32

    let observer: (any ChatObserver)?
    let model: String
    /// When the request came.
    let arrival: ContinuousClock.Instant
    /// When the reply is given up.
    let deadline: ContinuousClock.Instant?
    /// Where to work; `nil`: the common pool.
    let executor: (any TaskExecutor)?

    /// One stream of all events. It ends when every choice has, or throws the first error of any, which ends the others.
    func merge(_ streams: [ChatStream]) -> ReplyEvents {
        let channel = BoundedChannel<ChatEvent>(capacity: Self.capacity)
        let task = Task(executorPreference: executor) {
            do {
                try await forwardAll(streams, to: channel)
                channel.finish()
            } catch {
                channel.finish(throwing: outcome(of: error))
            }
        }
        return ReplyEvents(channel: channel) { task.cancel() }
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

    private func forwardAll(_ streams: [ChatStream], to channel: BoundedChannel<ChatEvent>) async throws {
        if streams.count == 1, deadline == nil { return try await forward(streams[0], 0, to: channel) }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for (choice, stream) in streams.enumerated() {
                group.addTask(executorPreference: executor) {
                    try await forward(stream, choice, to: channel)
                    return true
                }
            }
            if let deadline {
                group.addTask {
                    try await Task.sleep(until: deadline, clock: .continuous)
                    throw APIError.timedOut()
                }
            }
            // The first error leaves the loop, and leaving the group by an error cancels what still runs.
            var running = streams.count
            while running > 0, try await group.next() == true { running -= 1 }
            group.cancelAll()
        }
    }

    private func forward(_ stream: ChatStream, _ choice: Int, to channel: BoundedChannel<ChatEvent>) async throws {
        var lastToken: ContinuousClock.Instant?
        var isFinished = false
        for try await event in stream {
            observe(event, &lastToken)
            if case .finished = event { isFinished = true }
            guard await channel.send(ChatEvent(choice: choice, event)) else { throw CancellationError() }
        }
        guard isFinished else { throw APIError.internalError("The reply broke off.") }
    }

    private func observe(_ event: ChoiceEvent, _ lastToken: inout ContinuousClock.Instant?) {
        guard observer != nil else { return }
        let now = ContinuousClock.now
        switch event {
        case .queued, .prefill, .started: break
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
