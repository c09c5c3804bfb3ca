import DequeModule
import Synchronization

/// The bounded way of one generation's events from the engine thread to the task that reads them.
///
/// The engine never waits: ``send(_:)`` takes every event and tells when the reader is behind, upon which the engine lets the sequence
/// rest. As soon as the reader has caught up, `onRoom` is called once.
///
/// Thread contract: ``send(_:)`` and ``finish(throwing:)`` are the engine thread's, ``next(isolation:)`` one reader's, ``cancel()`` anyone's.
final class EventChannel: Sendable {
    /// Events that may wait for the reader before the sequence pauses. A step's events go beyond it by the length of a draft at most.
    static let capacity = 128
    /// The sequence goes on when no more than so many wait.
    private static let lowWater = 32

    private typealias Waiter = CheckedContinuation<GenerationEvent?, any Error>

    private enum End {
        case finished
        case failed(InferenceError)
        case cancelled
    }

    private struct State {
        var events: Deque<GenerationEvent> = []
        var waiter: Waiter?
        var end: End?
        /// The engine was told that the reader is behind.
        var isBehind = false
    }

    private enum Step {
        case event(GenerationEvent, hasRoom: Bool)
        case end(End)
        case wait
    }

    private let state = Mutex(State())
    private let onRoom: @Sendable () -> Void
    private let onCancel: @Sendable () -> Void

    /// - Parameters:
    ///   - onRoom: Called when a reader that was behind has caught up.
    ///   - onCancel: Called once if reading ends before the generation does.
    init(onRoom: @escaping @Sendable () -> Void, onCancel: @escaping @Sendable () -> Void) {
        self.onRoom = onRoom
        self.onCancel = onCancel
    }

    /// Passes an event on. Of several positions in the queue, or states of prefill, that wait for the reader the latest stays.
    ///
    /// - Returns: Whether the sequence may go on; if not, `onRoom` will be called.
    func send(_ event: GenerationEvent) -> Bool {
        let (waiter, mayGoOn): (Waiter?, Bool) = state.withLock { state in
            if state.end != nil { return (nil, true) }
            if let waiter = state.waiter.take() { return (waiter, true) }
            if let last = state.events.last, event.supersedes(last) { state.events.removeLast() }
            state.events.append(event)
            if state.events.count >= Self.capacity { state.isBehind = true }
            return (nil, !state.isBehind)
        }
        waiter?.resume(returning: event)
        return mayGoOn
    }

    /// No more events follow those sent.
    func finish(throwing error: InferenceError? = nil) {
        let waiter: Waiter? = state.withLock { state in
            if state.end == nil { state.end = error.map(End.failed) ?? .finished }
            return state.waiter.take()
        }
        if let error { waiter?.resume(throwing: error) } else { waiter?.resume(returning: nil) }
    }

    /// Nobody reads any more.
    func cancel() {
        let (waiter, wasRunning): (Waiter?, Bool) = state.withLock { state in
            let wasRunning = state.end == nil
            state.end = .cancelled
            state.events = []
            return (state.waiter.take(), wasRunning)
        }
        waiter?.resume(returning: nil)
        if wasRunning { onCancel() }
    }

    /// The next event; `nil` after the last one, and when the task is cancelled, which cancels the generation.
    func next(isolation actor: isolated (any Actor)? = #isolation) async throws -> GenerationEvent? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation(isolation: actor) { continuation in
                switch state.withLock({ Self.advance(&$0, continuation) }) {
                case .event(let event, let hasRoom):
                    if hasRoom { onRoom() }
                    continuation.resume(returning: event)
                case .end(.failed(let error)): continuation.resume(throwing: error)
                case .end: continuation.resume(returning: nil)
                case .wait: break
                }
            }
        } onCancel: {
            self.cancel()
        }
    }

    private static func advance(_ state: inout State, _ waiter: Waiter) -> Step {
        if let event = state.events.popFirst() {
            let hasRoom = state.isBehind && state.events.count <= lowWater
            if hasRoom { state.isBehind = false }
            return .event(event, hasRoom: hasRoom)
        }
        if let end = state.end { return .end(end) }
        // A second reader at the same time is a misuse; it gets nothing.
        guard state.waiter == nil else { return .end(.finished) }
        state.waiter = waiter
        return .wait
    }
}

extension GenerationEvent {
    /// Whether an older event that nobody has read is of no use any more.
    fileprivate func supersedes(_ older: GenerationEvent) -> Bool {
        switch (self, older) {
        case (.queued, .queued), (.started, .queued), (.prefill, .prefill): true
        default: false
        }
    }
}
