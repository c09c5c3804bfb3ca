/// Iterates a sequence in a task of its own, so that it can be ended from outside while its consumer goes on.
///
/// Dropping the consumer's iterator ends the source too. Thread contract: any thread.
struct StreamPump<Element: Sendable>: Sendable {
    typealias Continuation = AsyncThrowingStream<Element, any Error>.Continuation

    /// What the source yields. Ends without an error after ``cancel()``, with the source's error if it throws.
    let elements: AsyncThrowingStream<Element, any Error>
    let continuation: Continuation
    private let task: Task<Void, Never>

    /// - Parameter produce: Yields to the continuation it is given; need not finish it.
    init(_ produce: @escaping @Sendable (Continuation) async throws -> Void) {
        let (elements, continuation) = AsyncThrowingStream<Element, any Error>.makeStream()
        let task = Task {
            do {
                try await produce(continuation)
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
        self.elements = elements
        self.continuation = continuation
        self.task = task
    }

    /// Cancels the source at once. What it has yielded before is still delivered.
    func cancel() {
        continuation.finish()
        task.cancel()
    }
}
