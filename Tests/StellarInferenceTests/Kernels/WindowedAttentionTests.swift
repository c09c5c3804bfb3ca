import CStellarKernels
import Foundation
import Testing

@Suite("Attention with windows and soft caps")
struct WindowedAttentionTests {
    private static let headSize = 20
    private static let blockTokens = 32

    /// Queries over blocks of FP32 keys and values.
    private struct Case {
        let kernels: stellar_kernels
        let queries: [Float]
        let keys: [Float]
        let values: [Float]

        init(_ kernels: stellar_kernels, queries: Int, tokens: Int) {
            self.kernels = kernels
            var generator = KernelTestGenerator(seed: UInt64(103 + queries))
            self.queries = generator.floats(queries * headSize, in: -2...2)
            keys = generator.floats(tokens * headSize)
            values = generator.floats(tokens * headSize, in: -2...2)
        }

        /// Query i sees the tokens `ranges[i]`.
        func attend(_ ranges: [Range<Int>], softCap: Float) throws -> [Float] {
            let count = ranges.count
            let (max, sum) = (try GuardedMemory(count: count * 4), try GuardedMemory(count: count * 4))
            let acc = try GuardedMemory(count: count * headSize * 4)
            let q = try GuardedMemory(queries)
            kernels.attention_start(max.floats, sum.floats, acc.floats, headSize, count, headSize)
            let tokens = keys.count / headSize
            for start in stride(from: 0, to: tokens, by: blockTokens) {
                let block = try (GuardedMemory(count: blockTokens * headSize * 4), GuardedMemory(count: blockTokens * headSize * 4))
                for token in start..<min(start + blockTokens, tokens) {
                    let (key, value) = (
                        Array(keys[token * headSize..<(token + 1) * headSize]), Array(values[token * headSize..<(token + 1) * headSize])
                    )
                    kernels.kv_store(STELLAR_TYPE_F32, key, value, block.0.start, block.1.start, token - start, headSize, blockTokens)
                }
                let hidden = ranges.map { UInt32(Swift.max(0, min(blockTokens, $0.lowerBound - start))) }
                let visible = zip(ranges, hidden).map { range, hidden in
                    hidden == blockTokens ? 0 : UInt32(Swift.max(0, min(blockTokens, range.upperBound - start)))
                }
                let masks = (try GuardedMemory(visible), try GuardedMemory(hidden))
                var arguments = stellar_attention_block()
                (arguments.q, arguments.ldq, arguments.queries) = (UnsafePointer(q.floats), headSize, count)
                (arguments.head_size, arguments.block_tokens, arguments.kv_type) = (headSize, blockTokens, STELLAR_TYPE_F32)
                (arguments.keys, arguments.values) = (UnsafeRawPointer(block.0.start), UnsafeRawPointer(block.1.start))
                arguments.visible = UnsafePointer(masks.0.start.assumingMemoryBound(to: UInt32.self))
                arguments.hidden = UnsafePointer(masks.1.start.assumingMemoryBound(to: UInt32.self))
                (arguments.soft_cap, arguments.max, arguments.sum) = (softCap, max.floats, sum.floats)
                (arguments.acc, arguments.ldacc) = (acc.floats, headSize)
                kernels.attention_block(&arguments)
            }
            kernels.attention_finish(sum.floats, acc.floats, headSize, count, headSize, acc.floats, headSize)
            return acc.floatArray()
        }

        func expected(_ query: Int, _ range: Range<Int>, softCap: Float) -> [Double] {
            let cap = Double(softCap)
            let weights = range.map { token -> Double in
                let score = (0..<headSize).reduce(0.0) { $0 + Double(queries[query * headSize + $1]) * Double(keys[token * headSize + $1]) }
                return exp(cap == 0 ? score : cap * tanh(score / cap))
            }
            let sum = weights.reduce(0, +)
            return (0..<headSize).map { element in
                zip(range, weights).reduce(0) { $0 + $1.1 / sum * Double(values[$1.0 * headSize + element]) }
            }
        }
    }

    @Test("Each query sees its window, whatever the others see", arguments: InstructionSet.available, [Float(0), 1.5, 50])
    func windows(set: InstructionSet, softCap: Float) throws {
        let kernels = try set.kernels()
        for queries in [1, 2, 5, 8, 13] {
            let tokens = 90
            let c = Case(kernels, queries: queries, tokens: tokens)
            for window in [1, 2, 16, 31, 32, 33, 64, 90] {
                let ranges = (0..<queries).map { index in
                    let end = 1 + (index * 29 + window) % tokens
                    return max(0, end - window)..<end
                }
                let out = try c.attend(ranges, softCap: softCap)
                for query in 0..<queries {
                    let expected = c.expected(query, ranges[query], softCap: softCap)
                    let error =
                        zip(out[query * Self.headSize..<(query + 1) * Self.headSize], expected).map { abs(Double($0) - $1) }.max() ?? .nan
                    // Scores up to 40 with sums of 20 terms: errors of 1e-5 in exponents, of which there are two; values up to 2.
                    #expect(error <= 4e-5, "window \(window), \(queries) queries, query \(query)")
                }
            }
        }
    }
}
