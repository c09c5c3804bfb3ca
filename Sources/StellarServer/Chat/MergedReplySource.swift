internal import StellarProtocol

/// Merges the events of a reply's choices in the order in which they come: a task for each choice, and one for the time limit.
final class MergedReplySource: ReplySource {
    /// Events that may wait for a slow reader before its choices wait.
    private static let capacity = 32

    private let channel: BoundedChannel<ChatEvent>
    private let task: Task<Void, Never>

    /// Ends when every choice has, or with the first error of any, which ends the others.
    ///
    /// - Parameters:
    ///   - deadline: When the reply is given up.
    ///   - executor: Where to work; `nil`: the common pool.
    init(
        _ streams: [ChatStream],
        watch: ReplyWatch,
        deadline: ContinuousClock.Instant?,
        executor: (any TaskExecutor)?
    ) {
        let channel = BoundedChannel<ChatEvent>(capacity: Self.capacity)
        let merger = Merger(watch: watch, deadline: deadline, executor: executor, channel: channel)
        self.channel = channel
        task = Task(executorPreference: executor) {
            do {
                try await merger.forward(streams)
                channel.finish()
            } catch {
                channel.finish(throwing: merger.outcome(of: error))
            }
        }
    }

    func nextBatch() async throws -> [ChatEvent]? {
        try await channel.nextBatch()
    }

    func poke() {
        channel.poke()
    }

    func cancel() {
        task.cancel()
    }
}

private struct Merger: Sendable {
    let watch: ReplyWatch
    let deadline: ContinuousClock.Instant?
    let executor: (any TaskExecutor)?
    let channel: BoundedChannel<ChatEvent>

    func forward(_ streams: [ChatStream]) async throws {
        if streams.count == 1, deadline == nil { return try await forward(streams[0], 0) }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for (choice, stream) in streams.enumerated() {
                group.addTask(executorPreference: executor) {
                    try await forward(stream, choice)
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

    private func forward(_ stream: ChatStream, _ choice: Int) async throws {
        var lastToken: ContinuousClock.Instant?
        var isFinished = false
        for try await event in stream {
            watch.observe(event, &lastToken)
            if case .finished = event { isFinished = true }
            guard await channel.send(ChatEvent(choice: choice, event)) else { throw CancellationError() }
        }
        guard isFinished else { throw ReplyWatch.brokenOff }
    }

    /// Tells how a reply broke off, and returns what its reader gets to know.
    func outcome(of error: any Error) -> any Error {
        guard !Task.isCancelled else {
            watch.cancelled()
            return CancellationError()
        }
        return watch.failed(error)
    }
}
