import NIOCore

/// Runs the tasks of a connection on its event loop: what a reply writes then needs no change of thread.
///
/// Only for short work: whatever computes for longer moves to the common pool (``offEventLoop(_:)``).
final class EventLoopTaskExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Does `work` on the common pool, wherever the caller runs.
func offEventLoop<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withTaskExecutorPreference(globalConcurrentExecutor) { try await work() }
}
