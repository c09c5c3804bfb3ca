import Dispatch
import Synchronization

/// The bounded door between callers on any thread and the engine thread.
///
/// Thread contract: ``take(waitingIfEmpty:)`` and ``publish(_:)`` are the engine thread's, everything else anyone's.
final class EngineMailbox: Sendable {
    struct Submission: Sendable {
        let id: Scheduler.SequenceID
        let request: GenerationRequest
        let submitted: ContinuousClock.Instant
        let events: GenerationStream.Continuation
    }

    /// What came in since the last look.
    struct Mail {
        var submissions: [Submission] = []
        var cancellations: [Scheduler.SequenceID] = []
        var isStopping = false
    }

    private struct State {
        var mail = Mail()
        var nextID: Scheduler.SequenceID = 1
        var status: EngineStatus
        var hasStopped = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>
    private let signal = DispatchSemaphore(value: 0)
    private let maxQueue: Int
    private let maxBatch: Int

    init(maxQueue: Int, maxBatch: Int, status: EngineStatus) {
        self.maxQueue = maxQueue
        self.maxBatch = maxBatch
        state = Mutex(State(status: status))
    }

    /// The engine's last word, with what it has not seen yet counted as waiting.
    var status: EngineStatus {
        state.withLock { state in
            var status = state.status
            status.waiting += state.mail.submissions.count
            return status
        }
    }

    /// - Throws: ``InferenceError`` `queueFull`, `engineStopped`.
    func submit(_ request: GenerationRequest, events: GenerationStream.Continuation) throws(InferenceError) -> Scheduler.SequenceID {
        let outcome: Result<Scheduler.SequenceID, InferenceError> = state.withLock { state in
            if state.mail.isStopping || state.hasStopped { return .failure(Self.stopped) }
            let waiting = state.status.waiting + state.mail.submissions.count
            let freePlaces = max(0, maxBatch - state.status.running)
            if waiting >= maxQueue + freePlaces { return .failure(full(waiting)) }
            let id = state.nextID
            state.nextID += 1
            state.mail.submissions.append(Submission(id: id, request: request, submitted: .now, events: events))
            return .success(id)
        }
        signal.signal()
        return try outcome.get()
    }

    func cancel(_ id: Scheduler.SequenceID) {
        state.withLock { $0.mail.cancellations.append(id) }
        signal.signal()
    }

    func stop() {
        state.withLock { $0.mail.isStopping = true }
        signal.signal()
    }

    /// Returns when the engine thread has ended.
    func awaitStop() async {
        await withCheckedContinuation { continuation in
            let hasStopped = state.withLock { state in
                if !state.hasStopped { state.stopWaiters.append(continuation) }
                return state.hasStopped
            }
            if hasStopped { continuation.resume() }
        }
    }

    /// All mail since the last call. If there is none and `waitingIfEmpty`, sleeps until some comes.
    func take(waitingIfEmpty: Bool) -> Mail {
        while true {
            let mail = state.withLock { state in
                defer { state.mail = Mail(isStopping: state.mail.isStopping) }
                return state.mail
            }
            let isEmpty = mail.submissions.isEmpty && mail.cancellations.isEmpty && !mail.isStopping
            guard isEmpty, waitingIfEmpty else { return mail }
            signal.wait()
        }
    }

    func publish(_ status: EngineStatus) {
        state.withLock { $0.status = status }
    }

    /// The engine thread's last call: late submissions fail, waiters go on.
    func finish() {
        let (mail, waiters) = state.withLock { state in
            defer {
                state.mail = Mail()
                state.stopWaiters = []
                state.hasStopped = true
            }
            return (state.mail, state.stopWaiters)
        }
        for submission in mail.submissions { submission.events.finish(throwing: Self.stopped) }
        for waiter in waiters { waiter.resume() }
    }

    static let stopped = InferenceError(.engineStopped, "The engine is shutting down. Send the request again when it is back.")

    private func full(_ waiting: Int) -> InferenceError {
        InferenceError(.queueFull, "The queue is full: \(waiting) requests are waiting. Try again in a moment, or raise MAX_QUEUE.")
    }
}
