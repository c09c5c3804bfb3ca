import StellarInference
import StellarTestSupport
import Testing

/// The same request gives the same tokens, whatever the engine does besides and however it goes about it.
@Suite("Reproducibility", .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason)), .serialized)
struct ReproducibilityTests {
    private static let replyTokens = 32

    /// Greedy and seeded requests with prompts of 5 to 250 tokens; some begin alike, and some repeat themselves.
    private static let requests: [GenerationRequest] = (0..<8).map { index in
        let length = [5, 33, 64, 90, 120, 161, 200, 250][index]
        let prompt = (0..<length).map { TokenID(500 + ($0 * $0 + (index / 2) * 7) % (index % 3 == 0 ? 13 : 900)) }
        let sampling: SamplingParameters =
            switch index % 4 {
            case 0, 2: .greedy
            case 1: SamplingParameters(temperature: 0.8, topK: 40, topP: 0.9, repetitionPenalty: 1.1, seed: UInt64(index))
            default: SamplingParameters(temperature: 1, seed: UInt64(index))
            }
        return GenerationRequest(promptTokens: prompt, sampling: sampling, maxTokens: replyTokens, ignoreEOS: true)
    }

    private func engine(_ cache: EngineConfiguration.CacheType, _ configuration: EngineConfiguration) async throws -> InferenceEngine {
        var configuration = configuration
        configuration.reproducible = true
        configuration.cacheType = cache
        return try InferenceEngine(model: try await .load(path: TestModel.path), configuration: configuration)
    }

    private func tokens(_ engine: InferenceEngine, _ request: GenerationRequest) async throws -> [TokenID] {
        var tokens: [TokenID] = []
        for try await case .delta(let delta) in try engine.generate(request) { tokens += delta.tokens }
        return tokens
    }

    private func oneByOne(_ engine: InferenceEngine) async throws -> [[TokenID]] {
        var replies: [[TokenID]] = []
        for request in Self.requests { replies.append(try await tokens(engine, request)) }
        return replies
    }

    private func together(_ engine: InferenceEngine, copies: Int) async throws -> [[TokenID]] {
        try await withThrowingTaskGroup(of: (Int, [TokenID]).self) { group in
            for index in 0..<Self.requests.count * copies {
                group.addTask { (index, try await tokens(engine, Self.requests[index % Self.requests.count])) }
            }
            let replies = try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            return (0..<replies.count).map { replies[$0] ?? [] }
        }
    }

    @Test(
        "alone, in a batch of 16, cold and warm, with 1 and 2 threads, in one chunk and many, with and without guesses and preemption",
        arguments: [EngineConfiguration.CacheType.auto, .q8]
    )
    func matrix(cache: EngineConfiguration.CacheType) async throws {
        let plain = try await engine(cache, .init(maxBatch: 1, threads: 1, prefixCaching: false, speculation: .off))
        let expected = try await oneByOne(plain)
        await plain.shutdown()
        #expect(expected.allSatisfy { $0.count == Self.replyTokens })

        for threads in [1, 2] {
            let engine = try await engine(cache, .init(maxBatch: 16, threads: threads, speculation: .off))
            #expect(try await oneByOne(engine) == expected, "cold, \(threads) threads")
            #expect(try await oneByOne(engine) == expected, "warm, \(threads) threads")
            #expect(engine.status.prefixCacheHits > 500)
            #expect(try await together(engine, copies: 2) == expected + expected, "batch of 16, \(threads) threads")
            await engine.shutdown()
        }

        for chunk in [7, 48] {
            let chunked = try await engine(cache, .init(prefillChunk: chunk))
            #expect(try await together(chunked, copies: 1) == expected, "chunks of \(chunk)")
            await chunked.shutdown()
        }

        let guessing = try await engine(cache, .init(maxBatch: 2, speculation: .always))
        #expect(try await oneByOne(guessing) == expected, "guesses")
        #expect(try await together(guessing, copies: 1) == expected, "guesses, two at a time")
        #expect(guessing.status.acceptedTokens > 20 && guessing.status.acceptedTokens < guessing.status.draftedTokens)
        await guessing.shutdown()

        // Room for one context of 320 tokens: ten blocks for four sequences of up to nine.
        for prefixCaching in [false, true] {
            let small = try await engine(cache, .init(contextLength: 320, maxBatch: 4, cacheBytes: 1, prefixCaching: prefixCaching))
            #expect(try await together(small, copies: 1) == expected, "preemption, prefix cache \(prefixCaching)")
            #expect(small.status.preemptions > 0)
            #expect(small.status.usedCacheBlocks == 0)
            await small.shutdown()
        }
    }
}
