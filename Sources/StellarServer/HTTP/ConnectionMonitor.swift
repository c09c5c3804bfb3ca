import Synchronization

/// Tells the work done for a connection that its client has gone.
///
/// Thread contract: any thread.
final class ConnectionMonitor: Sendable {
    private struct State {
        var isClosed = false
        var nextID = 0
        var callbacks: [Int: @Sendable () -> Void] = [:]
    }

    /// The connection that the current task answers a request of; `nil` where there is none (in-process tests).
    @TaskLocal static var current: ConnectionMonitor?

    /// Runs the connection's tasks on its event loop.
    let executor: any TaskExecutor
    private let state = Mutex(State())

    init(executor: any TaskExecutor) {
        self.executor = executor
    }

    /// Calls `callback` once when the client has gone, at once if it has already.
    ///
    /// - Returns: What ``removeCallback(_:)`` takes.
    func onClose(_ callback: @escaping @Sendable () -> Void) -> Int {
        let id: Int? = state.withLock {
            guard !$0.isClosed else { return nil }
            $0.nextID += 1
            $0.callbacks[$0.nextID] = callback
            return $0.nextID
        }
        if id == nil { callback() }
        return id ?? 0
    }

    func removeCallback(_ id: Int) {
        state.withLock { _ = $0.callbacks.removeValue(forKey: id) }
    }

    /// The client has closed the connection or its sending half.
    func close() {
        let callbacks = state.withLock { state in
            state.isClosed = true
            defer { state.callbacks = [:] }
            return state.callbacks
        }
        for callback in callbacks.values { callback() }
    }
}

/// Runs `operation`, and cancels it as soon as the client of the current request has gone or the calling task is cancelled.
///
/// - Throws: What `operation` throws.
func cancellingOnDisconnect<Value: Sendable>(_ operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let monitor = ConnectionMonitor.current
    let task = Task(executorPreference: monitor?.executor) { try await operation() }
    let callback = monitor?.onClose { task.cancel() }
    defer { if let callback { monitor?.removeCallback(callback) } }
    return try await withTaskCancellationHandler {
        try await task.value
    } onCancel: {
        task.cancel()
    }
}
