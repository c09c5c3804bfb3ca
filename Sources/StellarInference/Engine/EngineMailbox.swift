import Dispatch
import Synchronization

/// The bounded door between callers on any thread and the engine thread.
///
/// Thread contract: ``take(waiting:)`` and ``publish(_:ended:)`` are the engine thread's, everything else anyone's.
final class EngineMailbox: Sendable {
    struct Submission: Sendable {
        let id: Scheduler.SequenceID
        let request: GenerationRequest
        let submitted: ContinuousClock.Instant
        let events: EventChannel
    }

    /// What came in since the last look.
    struct Mail {
        var submissions: [Submission] = []
        var cancellations: [Scheduler.SequenceID] = []
        /// Sequences whose reader was behind and has caught up.
        var resumptions: [Scheduler.SequenceID] = []
        var isStopping = false

        var isEmpty: Bool { submissions.isEmpty && cancellations.isEmpty && resumptions.isEmpty && !isStopping }
    }

    /// How long ``take(waiting:)`` waits for mail.
    enum Patience {
        case none
        case until(ContinuousClock.Instant)
        case forever
    }

    private struct State {
        var mail = Mail()
        var nextID: Scheduler.SequenceID = 1
        /// Sequences that were accepted and have not ended.
        var outstanding = 0
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

    /// Most sequences that are accepted at the same time.
    var capacity: Int { maxBatch + maxQueue }

    /// The engine's last word, with what it has not seen yet counted as waiting.
    var status: EngineStatus {
        state.withLock { state in
            var status = state.status
            status.waiting = max(0, state.outstanding - status.running - status.paused)
            return status
        }
    }

    /// - Throws: ``InferenceError`` `queueFull`, `engineStopped`.
    func submit(_ request: GenerationRequest) throws(InferenceError) -> GenerationStream {
        let outcome: Result<EventChannel, InferenceError> = state.withLock { state in
            if state.mail.isStopping || state.hasStopped { return .failure(Self.stopped) }
            if state.outstanding >= capacity { return .failure(full(state.outstanding - maxBatch)) }
            let id = state.nextID
            let events = EventChannel(onRoom: { [self] in post { $0.resumptions.append(id) } }) { [self] in
                post { $0.cancellations.append(id) }
            }
            state.nextID += 1
            state.outstanding += 1
            state.mail.submissions.append(Submission(id: id, request: request, submitted: .now, events: events))
            return .success(events)
        }
        let events = try outcome.get()
        signal.signal()
        return GenerationStream(events)
    }

    private func post(_ change: (inout Mail) -> Void) {
        state.withLock { change(&$0.mail) }
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

    /// All mail since the last call. If there is none, sleeps until some comes or patience ends.
    func take(waiting patience: Patience) -> Mail {
        while true {
            let mail = state.withLock { state in
                defer { state.mail = Mail(isStopping: state.mail.isStopping) }
                return state.mail
            }
            guard mail.isEmpty else { return mail }
            switch patience {
            case .none: return mail
            case .until(let end):
                let rest = end - .now
                if rest <= .zero { return mail }
                _ = signal.wait(timeout: .now() + .nanoseconds(Int(min(rest.seconds * 1e9, 1e15))))
            case .forever: signal.wait()
            }
        }
    }

    /// - Parameter ended: Sequences that have ended or were cancelled since the last call.
    func publish(_ status: EngineStatus, ended: Int) {
        state.withLock { state in
            state.status = status
            state.outstanding -= ended
        }
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
