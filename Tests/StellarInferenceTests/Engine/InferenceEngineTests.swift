import Foundation
import StellarInference
import StellarTestSupport
import Testing

@Suite("Engine on the real model", .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason)), .serialized)
struct InferenceEngineTests {
    private static let questions = [
        "What is the capital of France?", "你好，请介绍一下你自己。", "Write a haiku about rain.", "Count from 1 to 20.",
        "Explain gravity to a child.", "Translate 'good morning' to German.", "def fibonacci(n):", "List three colours. 🌈",
    ]

    private func model() async throws -> LanguageModel {
        try await LanguageModel.load(path: TestModel.path)
    }

    private func prompt(_ model: LanguageModel, _ question: String) throws -> [TokenID] {
        let template = try #require(model.chatTemplate)
        return model.tokenizer.encode(try template.render(messages: [.message(role: "user", content: question)]))
    }

    private func text(_ engine: InferenceEngine, _ request: GenerationRequest) async throws -> String {
        var text = ""
        for try await case .delta(let delta) in try engine.generate(request) { text += delta.text }
        return text
    }

    /// Waits until the engine reports nothing to do.
    private func waitUntilIdle(_ engine: InferenceEngine) async throws {
        while engine.status.running + engine.status.paused + engine.status.waiting > 0 { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test("concurrent replies equal those run alone, greedy and seeded, with one thread and two, through BLAS and kernels")
    func concurrency() async throws {
        let model = try await model()
        var reference: [String]?
        for products in [EngineConfiguration.MatrixProducts.kernels, .blas] {
            for threads in [1, 2] {
                let engine = try InferenceEngine(
                    model: model,
                    // Where a prompt is cut, which what is cached decides, changes the roundings of BLAS.
                    configuration: .init(maxBatch: 8, threads: threads, matrixProducts: products, prefixCaching: products == .kernels)
                )
                let requests = try Self.questions.enumerated().map { index, question in
                    GenerationRequest(
                        promptTokens: try prompt(model, question + String(repeating: " again", count: index * 20)),
                        sampling: index % 2 == 0 ? .greedy : SamplingParameters(temperature: 1, topP: 0.9, seed: 11),
                        maxTokens: 24
                    )
                }
                var alone: [String] = []
                for request in requests { alone.append(try await text(engine, request)) }
                let together = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                    for (index, request) in requests.enumerated() {
                        group.addTask { (index, try await self.text(engine, request)) }
                    }
                    return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                #expect(alone.indices.map { together[$0] } == alone, "\(products), \(threads) threads")
                if products == .kernels {
                    #expect(reference == nil || reference == alone, "one thread and two")
                    reference = alone
                }
                await engine.shutdown()
            }
        }
    }

    @Test("a cancelled reply frees its place before the next step, and the others go on")
    func cancellation() async throws {
        let model = try await model()
        let engine = try InferenceEngine(model: model, configuration: .init(maxBatch: 2))
        let endless = GenerationRequest(
            promptTokens: try prompt(model, "Tell me a long story."),
            sampling: .greedy,
            maxTokens: 4_000,
            ignoreEOS: true
        )
        let (started, signal) = AsyncStream<Void>.makeStream()
        let victim = Task {
            for try await _ in try engine.generate(endless) { signal.yield() }
        }
        for await _ in started { break }
        let full = engine.status.usedCacheBlocks
        #expect(full > 0)
        victim.cancel()
        _ = await victim.result
        var limited = endless
        limited.maxTokens = 8
        // The first token of this reply comes from the first step after the cancellation.
        for try await case .delta in try engine.generate(limited) { #expect(engine.status.running <= 1) }
        try await waitUntilIdle(engine)
        #expect(engine.status.usedCacheBlocks == 0)
        await engine.shutdown()
    }

    @Test("dropping the stream cancels the generation")
    func dropping() async throws {
        let model = try await model()
        let engine = try InferenceEngine(model: model)
        do {
            let stream = try engine.generate(
                GenerationRequest(promptTokens: try prompt(model, "Go on."), maxTokens: 5_000, ignoreEOS: true)
            )
            for try await _ in stream { break }
        }
        try await waitUntilIdle(engine)
        await engine.shutdown()
    }

    @Test("more requests than places wait; more than the queue holds are refused")
    func queue() async throws {
        let model = try await model()
        let engine = try InferenceEngine(model: model, configuration: .init(maxBatch: 1, maxQueue: 2))
        let request = GenerationRequest(
            promptTokens: try prompt(model, "Hello"),
            sampling: .greedy,
            maxTokens: 200,
            ignoreEOS: true
        )
        // Longer than what may wait for a reader: none of them ends before it is read.
        let streams = try (0..<3).map { _ in try engine.generate(request) }
        let error = #expect(throws: InferenceError.self) { _ = try engine.generate(request) }
        #expect(error?.code == .queueFull)
        for stream in streams {
            var count = 0
            for try await case .delta(let delta) in stream { count += delta.tokens.count }
            #expect(count == 200)
        }
        await engine.shutdown()
    }

    @Test("the end has its reason, usage and timings: limit, stop string, end of the reply")
    func endings() async throws {
        let model = try await model()
        let engine = try InferenceEngine(model: model)
        let tokens = try prompt(model, "What is the capital of France?")
        let cases: [(GenerationRequest, FinishReason)] = [
            (GenerationRequest(promptTokens: tokens, sampling: .greedy, maxTokens: 3), .length),
            (GenerationRequest(promptTokens: tokens, sampling: .greedy, maxTokens: 100, stopStrings: ["Paris"]), .stop),
            (GenerationRequest(promptTokens: tokens, sampling: .greedy, maxTokens: 500), .stop),
        ]
        var cached = 0
        for (request, reason) in cases {
            var text = ""
            var summary: GenerationSummary?
            var sampled = 0
            for try await event in try engine.generate(request) {
                switch event {
                case .delta(let delta):
                    text += delta.text
                    sampled += delta.tokens.count
                case .started(let start): #expect(start == GenerationStart(promptTokens: tokens.count, cachedTokens: cached))
                case .finished(let end): summary = end
                case .queued, .prefill, .promptLogprobs: Issue.record("\(event)")
                }
            }
            let end = try #require(summary)
            #expect(end.reason == reason)
            #expect(end.usage == TokenUsage(promptTokens: tokens.count, cachedTokens: cached, completionTokens: sampled))
            cached = tokens.count / KVCache.blockTokens * KVCache.blockTokens
            #expect(end.timings.prefill > .zero && end.timings.queue >= .zero && end.timings.decode > .zero)
            #expect(!text.contains("<|im_end|>"))
            if !request.stopStrings.isEmpty { #expect(text == "The capital of France is ") }
        }
        await engine.shutdown()
    }

    @Test("the context's end is the reply's end; a prompt that fills it is refused")
    func context() async throws {
        let model = try await model()
        let engine = try InferenceEngine(model: model, configuration: .init(contextLength: 64))
        let prompt = [TokenID](repeating: 28, count: 60)
        var summary: GenerationSummary?
        let request = GenerationRequest(promptTokens: prompt, sampling: .greedy, ignoreEOS: true)
        for try await case .finished(let end) in try engine.generate(request) { summary = end }
        #expect(summary?.reason == .length)
        #expect(summary?.usage.completionTokens == 4)
        let tooLong = GenerationRequest(promptTokens: [TokenID](repeating: 28, count: 64))
        let error = #expect(throws: InferenceError.self) { _ = try engine.generate(tooLong) }
        #expect(error?.code == .contextLengthExceeded)
        #expect(error?.message.contains("maximum context length is 64 tokens") == true)
        await engine.shutdown()
    }

    @Test("requests out of range are refused with the parameter's name")
    func invalidRequests() async throws {
        let engine = try InferenceEngine(model: try await model())
        let cases: [(String, GenerationRequest)] = [
            ("prompt", GenerationRequest(promptTokens: [])),
            ("vocabulary", GenerationRequest(promptTokens: [-1])),
            ("vocabulary", GenerationRequest(promptTokens: [.max])),
            ("max_tokens", GenerationRequest(promptTokens: [1], maxTokens: 0)),
            ("stop", GenerationRequest(promptTokens: [1], stopStrings: [""])),
            ("logprobs", GenerationRequest(promptTokens: [1], logprobs: 21)),
            ("temperature", GenerationRequest(promptTokens: [1], sampling: .init(temperature: .nan))),
            ("temperature", GenerationRequest(promptTokens: [1], sampling: .init(temperature: -1))),
            ("top_p", GenerationRequest(promptTokens: [1], sampling: .init(topP: 1.5))),
            ("top_k", GenerationRequest(promptTokens: [1], sampling: .init(topK: -1))),
            ("min_p", GenerationRequest(promptTokens: [1], sampling: .init(minP: .infinity))),
            ("repetition_penalty", GenerationRequest(promptTokens: [1], sampling: .init(repetitionPenalty: 0))),
            ("presence_penalty", GenerationRequest(promptTokens: [1], sampling: .init(presencePenalty: 3))),
            ("frequency_penalty", GenerationRequest(promptTokens: [1], sampling: .init(frequencyPenalty: -3))),
            ("logit_bias", GenerationRequest(promptTokens: [1], sampling: .init(logitBias: [5: 101]))),
            ("logit_bias", GenerationRequest(promptTokens: [1], sampling: .init(logitBias: [1_000_000: 1]))),
        ]
        for (name, request) in cases {
            let error = #expect(throws: InferenceError.self, "\(name)") { _ = try engine.generate(request) }
            #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
        }
        await engine.shutdown()
    }

    @Test("engine settings out of range are refused with the variable's name")
    func invalidConfigurations() async throws {
        let model = try await model()
        let cases: [(String, EngineConfiguration)] = [
            ("CONTEXT_LENGTH", .init(contextLength: 0)), ("CONTEXT_LENGTH", .init(contextLength: model.contextLength + 1)),
            ("MAX_BATCH", .init(maxBatch: 0)), ("MAX_QUEUE", .init(maxQueue: -1)), ("THREADS", .init(threads: 0)),
        ]
        for (name, configuration) in cases {
            let error = #expect(throws: InferenceError.self) { _ = try InferenceEngine(model: model, configuration: configuration) }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.message.hasPrefix(name) == true)
        }
    }

    @Test("shutdown ends running replies with engineStopped, and later requests are refused")
    func shutdown() async throws {
        let engine = try InferenceEngine(model: try await model())
        let stream = try engine.generate(GenerationRequest(promptTokens: [1, 2], maxTokens: 5_000, ignoreEOS: true))
        await engine.shutdown()
        let error = await #expect(throws: InferenceError.self) { for try await _ in stream {} }
        #expect(error?.code == .engineStopped)
        #expect(throws: InferenceError.self) { _ = try engine.generate(GenerationRequest(promptTokens: [1])) }
        await engine.shutdown()
    }

    @Test("log-probabilities belong to the distribution before sampling and are sorted")
    func logprobs() async throws {
        let model = try await model()
        let engine = try InferenceEngine(model: model)
        let request = GenerationRequest(promptTokens: try prompt(model, "Say hi"), sampling: .init(seed: 4), maxTokens: 6, logprobs: 5)
        for try await case .delta(let delta) in try engine.generate(request) {
            #expect(delta.logprobs.count <= delta.tokens.count)
            for entry in delta.logprobs {
                #expect(entry.top.count == 5)
                #expect(entry.top.map(\.logprob) == entry.top.map(\.logprob).sorted(by: >))
                #expect(entry.top.allSatisfy { $0.logprob <= 0 })
                #expect(entry.logprob <= entry.top[0].logprob)
            }
        }
        await engine.shutdown()
    }

    @Test("special-token text in a message is data, not a control token")
    func specialTokensInContent() async throws {
        let model = try await model()
        let tokens = try prompt(model, "a<|im_end|>b")
        let plain = try prompt(model, "a")
        let end = try #require(model.tokenizer.eosToken)
        #expect(tokens.count { $0 == end } == plain.count { $0 == end })
        #expect(model.tokenizer.decode(tokens).contains("a<|im_end|>b"))
    }

    @Test("loading one path twice, at once or later, gives one model")
    func loadingOnce() async throws {
        async let first = LanguageModel.load(path: TestModel.path)
        async let second = LanguageModel.load(path: TestModel.path + "/")
        let models = try await [first, second]
        let third = try await LanguageModel.load(path: try #require(TestModel.file))
        #expect(models[0] === models[1])
        #expect(models[0] === third)
    }
}
