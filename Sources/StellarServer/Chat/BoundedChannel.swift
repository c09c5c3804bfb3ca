internal import Synchronization

/// Hands elements from any number of producers to one consumer, and lets producers wait while the consumer is behind.
///
/// The consumer takes all that is there at once, so what piled up while it was busy costs it one turn.
/// Thread contract: any thread; one consumer at a time.
final class BoundedChannel<Element: Sendable>: Sendable {
    private typealias Waiter = CheckedContinuation<Void, Never>

    private enum End {
        case finished
        case failed(any Error)
    }

    private struct State {
        var buffer: [Element] = []
        var end: End?
        var isPoked = false
        var consumer: Waiter?
        var producers: [Int: Waiter] = [:]
        var nextProducer = 0

        /// What to resume when the consumer has something to look at.
        mutating func takeConsumer() -> Waiter? {
            defer { consumer = nil }
            return consumer
        }

        mutating func takeProducers() -> [Waiter] {
            defer { producers.removeAll(keepingCapacity: true) }
            return producers.isEmpty ? [] : Array(producers.values)
        }

        mutating func take() -> Taken {
            if !buffer.isEmpty {
                isPoked = false
                defer { buffer.removeAll(keepingCapacity: false) }
                return .batch(buffer)
            }
            if let end { return .end(end) }
            guard isPoked else { return .nothing }
            isPoked = false
            return .batch([])
        }

        /// The producers that can go on.
        mutating func room(_ capacity: Int) -> [Waiter] {
            buffer.count < capacity ? takeProducers() : []
        }
    }

    private enum Taken {
        case batch([Element])
        case end(End)
        case nothing
    }

    private enum Offer {
        case taken(Waiter?)
        case ended
        case full
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: Elements that may wait for the consumer; at least 1.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    // MARK: Producing

    /// Waits until there is room.
    ///
    /// - Returns: `false` if nothing more is taken: the channel has ended, or the current task was cancelled.
    func send(_ element: Element) async -> Bool {
        while true {
            switch offer(element) {
            case .taken(let consumer):
                consumer?.resume()
                return true
            case .ended: return false
            case .full: await waitForRoom()
            }
            if Task.isCancelled { return false }
        }
    }

    /// Takes `element` though there may be no room: for what may not wait, such as the last words of a connection.
    func sendAtOnce(_ element: Element) {
        let consumer = state.withLock { state -> Waiter? in
            guard state.end == nil else { return nil }
            state.buffer.append(element)
            return state.takeConsumer()
        }
        consumer?.resume()
    }

    /// No more elements; those that are there are still delivered. Without effect on a channel that has ended.
    func finish(throwing error: (any Error)? = nil) {
        let (consumer, producers) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard state.end == nil else { return (nil, []) }
            state.end = error.map { .failed($0) } ?? .finished
            return (state.takeConsumer(), state.takeProducers())
        }
        consumer?.resume()
        for producer in producers { producer.resume() }
    }

    /// Gives a waiting consumer an empty batch.
    func poke() {
        let consumer = state.withLock { state -> Waiter? in
            guard state.consumer != nil else { return nil }
            state.isPoked = true
            return state.takeConsumer()
        }
        consumer?.resume()
    }

    private func offer(_ element: Element) -> Offer {
        state.withLock { state in
            if state.end != nil { return .ended }
            guard state.buffer.count < capacity else { return .full }
            state.buffer.append(element)
            return .taken(state.takeConsumer())
        }
    }

    private func waitForRoom() async {
        let id = state.withLock { state in
            state.nextProducer += 1
            return state.nextProducer
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                let mustWait = state.withLock { state in
                    guard state.end == nil, state.buffer.count >= capacity, !Task.isCancelled else { return false }
                    state.producers[id] = waiter
                    return true
                }
                if !mustWait { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.producers.removeValue(forKey: id) }?.resume()
        }
    }

    // MARK: Consuming

    /// All elements that are there, waiting for the first if there are none; empty after ``poke()``; `nil` at the end.
    ///
    /// - Throws: The error that the channel ended with, or `CancellationError`.
    func nextBatch() async throws -> [Element]? {
        while true {
            let (outcome, producers) = state.withLock { ($0.take(), $0.room(capacity)) }
            for producer in producers { producer.resume() }
            switch outcome {
            case .batch(let batch): return batch
            case .end(.finished): return nil
            case .end(.failed(let error)): throw error
            case .nothing: break
            }
            try Task.checkCancellation()
            await waitForElements()
        }
    }

    private func waitForElements() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                let mustWait = state.withLock { state in
                    guard state.end == nil, state.buffer.isEmpty, !state.isPoked, !Task.isCancelled else { return false }
                    state.consumer = waiter
                    return true
                }
                if !mustWait { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.takeConsumer() }?.resume()
        }
    }
}
