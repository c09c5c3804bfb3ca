import Foundation
import StellarInference

/// Runs random prompts through an engine and takes the time.
struct Benchmark {
    let engine: InferenceEngine
    let sequences: Int
    private var generator: SeededGenerator

    init(engine: InferenceEngine, sequences: Int, seed: UInt64) {
        self.engine = engine
        self.sequences = sequences
        generator = SeededGenerator(state: seed)
    }

    /// - Throws: ``InferenceError`` `invalidConfiguration` if a measurement does not fit the context.
    func check(promptTokens: Int, depth: Int, generateTokens: Int) throws {
        let longest = max(promptTokens + 1, depth + generateTokens + 2)
        guard longest < engine.contextLength else {
            throw InferenceError(
                .invalidConfiguration,
                "The measurement needs \(longest) tokens of context, but there are \(engine.contextLength). Ask for fewer tokens or a smaller depth."
            )
        }
    }

    /// Prompt tokens per second, all sequences together.
    mutating func prefillRate(tokens: Int) async throws -> Double {
        let start = ContinuousClock.now
        let progress = try await run(promptTokens: tokens, maxTokens: 1, stopAfter: nil)
        guard let end = progress.flatMap({ $0 }).max(), end > start else { throw Self.noTokens }
        return Double(tokens * sequences) / (end - start).seconds
    }

    /// Generated tokens per second, summed over the sequences, while all of them are generating.
    mutating func decodeRate(tokens: Int, depth: Int) async throws -> Double {
        // The first sequences go on while the prompts of the last ones are worked on.
        let slack = (sequences - 1) * (depth / 16 + 8)
        let most = min(tokens + 1 + slack, engine.contextLength - max(depth, 1) - 1)
        let progress = try await run(promptTokens: max(depth, 1), maxTokens: most, stopAfter: tokens)
        guard let start = progress.compactMap(\.first).max(), let end = progress.compactMap(\.last).min(), end > start else {
            throw InferenceError(
                .invalidConfiguration,
                "The sequences did not generate at the same time: the memory does not hold all of them. Use fewer sequences or a smaller depth."
            )
        }
        let counted = progress.reduce(0) { total, times in total + times.count { $0 > start && $0 <= end } }
        return Double(counted) / (end - start).seconds
    }

    private static let noTokens = InferenceError(.invalidRequest, "The engine generated no tokens.")

    /// Runs one request per sequence, and returns when each of their tokens came.
    ///
    /// - Parameter stopAfter: Each sequence ends when it has generated so many tokens after the last one began.
    private mutating func run(promptTokens: Int, maxTokens: Int, stopAfter: Int?) async throws -> [[ContinuousClock.Instant]] {
        let requests = (0..<sequences).map { _ in request(promptTokens: promptTokens, maxTokens: maxTokens) }
        let starts = StartCounter(waitingFor: stopAfter == nil ? .max : sequences)
        return try await withThrowingTaskGroup(of: [ContinuousClock.Instant].self) { group in
            for request in requests {
                let stream = try engine.generate(request)
                group.addTask { try await Self.watch(stream, starts, stopAfter: stopAfter ?? .max) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func watch(_ stream: GenerationStream, _ starts: StartCounter, stopAfter: Int) async throws -> [ContinuousClock.Instant]
    {
        var times: [ContinuousClock.Instant] = []
        var counted = 0
        for try await event in stream {
            guard case .delta(let delta) = event, !delta.tokens.isEmpty else { continue }
            let now = ContinuousClock.now
            if times.isEmpty { starts.begin() } else if starts.allHaveBegun { counted += delta.tokens.count }
            times += Array(repeating: now, count: delta.tokens.count)
            if counted >= stopAfter { break }
        }
        return times
    }

    private mutating func request(promptTokens: Int, maxTokens: Int) -> GenerationRequest {
        let vocabulary = TokenID(clamping: engine.model.tokenizer.vocabularySize)
        let prompt = (0..<promptTokens).map { _ in TokenID.random(in: 0..<max(1, vocabulary), using: &generator) }
        return GenerationRequest(promptTokens: prompt, sampling: .greedy, maxTokens: maxTokens, ignoreEOS: true)
    }
}
