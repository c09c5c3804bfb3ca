import StellarInference
import StellarTestSupport
import Testing

@Suite("Event streams", .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason)), .serialized)
struct EventStreamTests {
    private func request(_ maxTokens: Int, seed: TokenID = 0) -> GenerationRequest {
        GenerationRequest(promptTokens: [1, 28 + seed, 30, 31], sampling: .greedy, maxTokens: maxTokens, ignoreEOS: true)
    }

    private func tokens(_ stream: GenerationStream) async throws -> [TokenID] {
        var tokens: [TokenID] = []
        for try await case .delta(let delta) in stream { tokens += delta.tokens }
        return tokens
    }

    @Test("a reader that does not read pauses its sequence and nobody else's, and gets the same tokens when it does")
    func slowReader() async throws {
        let engine = try InferenceEngine(model: try await .load(path: TestModel.path), configuration: .init(maxBatch: 1, speculation: .off))
        let slow = try engine.generate(request(300))
        // With one place, others can only run when the unread sequence has left it.
        let others = try await tokens(engine.generate(request(20, seed: 1)))
        #expect(others.count == 20)
        #expect((engine.status.running, engine.status.paused, engine.status.waiting) == (0, 1, 0))
        let late = try await tokens(slow)
        #expect(late == (try await tokens(engine.generate(request(300)))))
        await engine.shutdown()
    }

    @Test("a deadline ends a running reply, a waiting one and an unread one with deadlineExceeded")
    func deadlines() async throws {
        let engine = try InferenceEngine(model: try await .load(path: TestModel.path), configuration: .init(maxBatch: 1))
        var limited = request(8_000)
        limited.deadline = .now.advanced(by: .milliseconds(300))
        let streams = [try engine.generate(limited), try engine.generate(limited)]
        for stream in streams {
            let error = await #expect(throws: InferenceError.self) { for try await _ in stream {} }
            #expect(error?.code == .deadlineExceeded)
        }
        let unread = try engine.generate(limited)
        while engine.status.running + engine.status.paused + engine.status.waiting > 0 { try await Task.sleep(for: .milliseconds(1)) }
        let error = await #expect(throws: InferenceError.self) { for try await _ in unread {} }
        #expect(error?.code == .deadlineExceeded)
        await engine.shutdown()
    }

    @Test("waiting requests hear their place in the queue, long prompts how far they are")
    func progress() async throws {
        let engine = try InferenceEngine(
            model: try await .load(path: TestModel.path),
            configuration: .init(maxBatch: 1, prefillChunk: 64)
        )
        let first = Task {
            for try await _ in try engine.generate(self.request(8_000)) {}
        }
        while engine.status.running == 0 { try await Task.sleep(for: .milliseconds(1)) }
        let second = try engine.generate(request(2, seed: 1))
        var long = request(2)
        long.promptTokens = (0..<200).map { 40 + $0 }
        var events = try engine.generate(long).makeAsyncIterator()
        #expect(try await events.next() == .queued(position: 2))
        first.cancel()
        for try await _ in second {}
        var rest: [GenerationEvent] = []
        while let event = try await events.next() { rest.append(event) }
        // Whoever reads slowly gets the latest of each only, but those always, and in this order.
        let start = try #require(rest.firstIndex(of: .started(GenerationStart(promptTokens: 200))))
        #expect(Array(rest[..<start]) == [.queued(position: 1)])
        let processed = rest.compactMap { if case .prefill(let processed, 200) = $0 { processed } else { nil } }
        #expect(processed.last == 192 && processed == [64, 128, 192].filter(processed.contains))
        await engine.shutdown()
    }

    @Test("log-probabilities of a prompt are those that its tokens would have had as a reply")
    func promptLogprobs() async throws {
        let engine = try InferenceEngine(model: try await .load(path: TestModel.path), configuration: .init(prefillChunk: 96))
        var reply = request(70)
        reply.logprobs = 3
        var expected: [TokenLogprob] = []
        for try await case .delta(let delta) in try engine.generate(reply) { expected += delta.logprobs }
        let echoed = GenerationRequest(
            promptTokens: reply.promptTokens + expected.map(\.token),
            sampling: .greedy,
            maxTokens: 1,
            promptLogprobs: 3
        )
        var reported: [[TokenLogprob?]] = []
        for try await case .promptLogprobs(let logprobs) in try engine.generate(echoed) { reported.append(logprobs) }
        let logprobs = try #require(reported.first)
        #expect(reported.count == 1 && logprobs.count == 74 && logprobs[0] == nil)
        #expect(Array(logprobs[4...]) == expected)
        #expect(logprobs[1...].allSatisfy { $0 != nil })
        await engine.shutdown()
    }
}
