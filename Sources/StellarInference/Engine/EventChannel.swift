import DequeModule
import Synchronization

/// The bounded way of one generation's events from the engine thread to the task that reads them.
///
/// The engine never waits: ``send(_:)`` takes every event and tells when the reader is behind, upon which the engine lets the sequence
/// rest. As soon as the reader has caught up, `onRoom` is called once.
///
/// Thread contract: ``send(_:)`` and ``finish(throwing:)`` are the engine thread's, ``next(isolation:)`` and ``nextBatch(isolation:)`` one
/// reader's, ``cancel()`` and ``interrupt()`` anyone's.
package final class EventChannel: Sendable {
    /// Events that may wait for the reader before the sequence pauses. A step's events go beyond it by the length of a draft at most.
    package static let capacity = 128
    /// The sequence goes on when no more than so many wait.
    private static let lowWater = 32

    /// Resumed with `false` where somebody else waits already.
    private typealias Waiter = CheckedContinuation<Bool, Never>

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
        /// A reader of batches is to return though there may be no event.
        var isInterrupted = false

        /// What the reader takes has made room for the sequence to go on.
        mutating func hasRoom() -> Bool {
            guard isBehind, events.count <= lowWater else { return false }
            isBehind = false
            return true
        }
    }

    private enum Step<Value> {
        case value(Value, hasRoom: Bool)
        case end(End)
        case wait
    }

    private let state = Mutex(State())
    private let onRoom: @Sendable () -> Void
    private let onCancel: @Sendable () -> Void

    /// - Parameters:
    ///   - onRoom: Called when a reader that was behind has caught up.
    ///   - onCancel: Called once if reading ends before the generation does.
    package init(onRoom: @escaping @Sendable () -> Void, onCancel: @escaping @Sendable () -> Void) {
        self.onRoom = onRoom
        self.onCancel = onCancel
    }

    /// Passes an event on. Of several positions in the queue, or states of prefill, that wait for the reader the latest stays.
    ///
    /// - Returns: Whether the sequence may go on; if not, `onRoom` will be called.
    package func send(_ event: GenerationEvent) -> Bool {
        let (waiter, mayGoOn): (Waiter?, Bool) = state.withLock { state in
            if state.end != nil { return (nil, true) }
            if let last = state.events.last, event.supersedes(last) { state.events.removeLast() }
            state.events.append(event)
            if state.events.count >= Self.capacity { state.isBehind = true }
            return (state.waiter.take(), !state.isBehind)
        }
        waiter?.resume(returning: true)
        return mayGoOn
    }

    /// No more events follow those sent.
    package func finish(throwing error: InferenceError? = nil) {
        let waiter: Waiter? = state.withLock { state in
            if state.end == nil { state.end = error.map(End.failed) ?? .finished }
            return state.waiter.take()
        }
        waiter?.resume(returning: true)
    }

    /// Nobody reads any more.
    package func cancel() {
        let (waiter, wasRunning): (Waiter?, Bool) = state.withLock { state in
            let wasRunning = state.end == nil
            state.end = .cancelled
            state.events = []
            return (state.waiter.take(), wasRunning)
        }
        waiter?.resume(returning: true)
        if wasRunning { onCancel() }
    }

    /// Gives a waiting reader of batches an empty one.
    package func interrupt() {
        let waiter: Waiter? = state.withLock { state in
            state.isInterrupted = state.waiter != nil
            return state.waiter.take()
        }
        waiter?.resume(returning: true)
    }

    /// The next event; `nil` after the last one, and when the task is cancelled, which cancels the generation.
    package func next(isolation actor: isolated (any Actor)? = #isolation) async throws -> GenerationEvent? {
        try await take { $0.events.popFirst() }
    }

    /// All events that are there, waiting for the first if there are none; empty after ``interrupt()``. The end is as in
    /// ``next(isolation:)``.
    package func nextBatch(isolation actor: isolated (any Actor)? = #isolation) async throws -> [GenerationEvent]? {
        try await take { state in
            guard !state.events.isEmpty || state.isInterrupted else { return nil }
            state.isInterrupted = false
            defer { state.events.removeAll(keepingCapacity: true) }
            return Array(state.events)
        }
    }

    private func take<Value: Sendable>(
        isolation actor: isolated (any Actor)? = #isolation,
        _ taken: @Sendable (inout State) -> Value?
    ) async throws -> Value? {
        while true {
            if Task.isCancelled { cancel() }
            let step: Step<Value> = state.withLock { state in
                if let value = taken(&state) { return .value(value, hasRoom: state.hasRoom()) }
                return state.end.map(Step.end) ?? .wait
            }
            switch step {
            case .value(let value, let hasRoom):
                if hasRoom { onRoom() }
                return value
            case .end(.failed(let error)): throw error
            case .end: return nil
            // A second reader at the same time is a misuse; it gets nothing.
            case .wait: if await !waitForEvents() { return nil }
            }
        }
    }

    /// - Returns: `false` if somebody else waits already.
    private func waitForEvents(isolation actor: isolated (any Actor)? = #isolation) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation(isolation: actor) { (waiter: Waiter) in
                let answer: Bool? = state.withLock { state in
                    if state.waiter != nil { return false }
                    if state.end != nil || !state.events.isEmpty { return true }
                    state.waiter = waiter
                    return nil
                }
                if let answer { waiter.resume(returning: answer) }
            }
        } onCancel: {
            self.cancel()
        }
    }
}

extension GenerationEvent {
    /// Whether an older event that nobody has read is of no use any more.
    fileprivate func supersedes(_ older: GenerationEvent) -> Bool {
        switch (self, older) {
        case (.queued, .queued), (.prefill, .prefill): true
        default: false
        }
    }
}
