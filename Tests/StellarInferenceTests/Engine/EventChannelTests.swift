import StellarInference
import Synchronization
import Testing

@Suite("The way of events from engine to reader")
struct EventChannelTests {
    /// A channel, and how often it has called back.
    private final class Probe: Sendable {
        private let counts = Mutex((room: 0, cancelled: 0))
        var room: Int { counts.withLock { $0.room } }
        var cancelled: Int { counts.withLock { $0.cancelled } }

        func channel() -> EventChannel {
            EventChannel(onRoom: { self.counts.withLock { $0.room += 1 } }, onCancel: { self.counts.withLock { $0.cancelled += 1 } })
        }
    }

    private let probe = Probe()

    private func delta(_ number: Int) -> GenerationEvent {
        .delta(GenerationDelta(text: String(number)))
    }

    @Test("of places in the queue and states of prefill the latest waits for a slow reader, of everything else all")
    func superseding() async throws {
        let channel = probe.channel()
        let start = GenerationEvent.started(GenerationStart(promptTokens: 9))
        let events: [GenerationEvent] = [
            .queued(position: 3), .queued(position: 2), start, .prefill(processed: 3, total: 9), .prefill(processed: 6, total: 9), delta(0),
            delta(1),
        ]
        for event in events { #expect(channel.send(event)) }
        channel.finish()
        #expect(
            try await channel.nextBatch() == [.queued(position: 2), start, .prefill(processed: 6, total: 9), delta(0), delta(1)]
        )
        #expect(try await channel.nextBatch() == nil)
        #expect(try await channel.next() == nil)
    }

    @Test("a reader that waits gets what is sent, one by one or all at once", arguments: [true, false])
    func waiting(inBatches: Bool) async throws {
        let channel = probe.channel()
        let reader = Task {
            var read: [GenerationEvent] = []
            if inBatches {
                while let batch = try await channel.nextBatch() { read += batch }
            } else {
                while let event = try await channel.next() { read.append(event) }
            }
            return read
        }
        for number in 0..<100 {
            _ = channel.send(delta(number))
            if number % 10 == 0 { await Task.yield() }
        }
        channel.finish()
        #expect(try await reader.value == (0..<100).map(delta))
        #expect(probe.cancelled == 0)
    }

    @Test("an interruption gives a waiting reader an empty batch, and is forgotten where nobody waits")
    func interruption() async throws {
        let channel = probe.channel()
        channel.interrupt()
        _ = channel.send(delta(0))
        #expect(try await channel.nextBatch() == [delta(0)])
        let reader = Task { try await channel.nextBatch() }
        let interrupter = Task {
            while !Task.isCancelled {
                channel.interrupt()
                await Task.yield()
            }
        }
        #expect(try await reader.value == [])
        interrupter.cancel()
    }

    @Test("a reader that is behind is told, and the engine is told once when it has caught up")
    func backpressure() async throws {
        let channel = probe.channel()
        let answers = (0..<EventChannel.capacity).map { channel.send(delta($0)) }
        #expect(answers.dropLast().allSatisfy { $0 } && answers.last == false)
        for _ in 0..<20 { _ = try await channel.next() }
        #expect(probe.room == 0)
        #expect(try await channel.nextBatch()?.count == EventChannel.capacity - 20)
        #expect(probe.room == 1)
        #expect(channel.send(delta(0)))
    }

    @Test("errors come after what was sent before them, cancelling takes everything back and is told once")
    func ends() async throws {
        let failing = probe.channel()
        _ = failing.send(delta(0))
        failing.finish(throwing: InferenceError(.engineStopped, "stopped"))
        #expect(try await failing.nextBatch() == [delta(0)])
        await #expect(throws: InferenceError.self) { try await failing.nextBatch() }
        #expect(probe.cancelled == 0)
        let channel = probe.channel()
        _ = channel.send(delta(0))
        channel.cancel()
        channel.cancel()
        #expect(try await channel.nextBatch() == nil)
        #expect(probe.cancelled == 1)
    }

    @Test("cancelling the task that waits cancels the generation")
    func cancelledReader() async throws {
        let channel = probe.channel()
        let reader = Task { try await channel.nextBatch() }
        reader.cancel()
        #expect(try await reader.value == nil)
        #expect(probe.cancelled == 1)
    }
}
