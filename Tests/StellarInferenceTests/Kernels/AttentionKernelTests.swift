import CStellarKernels
import Foundation
import Testing

/// Keys and values of some tokens in blocks, all unused places filled with NaN, and attention over them.
private struct AttentionCase {
    let kernels: stellar_kernels
    let kind: StorageKind
    let headSize: Int
    let blockTokens: Int
    let tokens: Int
    var keys: [[UInt8]] = []
    var values: [[UInt8]] = []

    init(_ kernels: stellar_kernels, _ kind: StorageKind, headSize: Int, blockTokens: Int, tokens: Int, scale: Float = 1) {
        self.kernels = kernels
        self.kind = kind
        self.headSize = headSize
        self.blockTokens = blockTokens
        self.tokens = tokens
        var generator = KernelTestGenerator(seed: UInt64(headSize + tokens))
        let blocks = (tokens + blockTokens - 1) / blockTokens
        let garbage = [UInt8](repeating: 0xff, count: headSize * blockTokens * kind.blockBytes)  // NaN as half and as float
        keys = Array(repeating: garbage, count: blocks)
        values = keys
        for token in 0..<tokens {
            let key = generator.floats(headSize, in: (-scale)...scale)
            let value = generator.floats(headSize, in: -2...2)
            let block = token / blockTokens
            kernels.kv_store(kind.type, key, value, &keys[block], &values[block], token % blockTokens, headSize, blockTokens)
        }
    }

    private func element(_ bytes: [UInt8], _ index: Int) -> Double {
        let at = index * kind.blockBytes
        let low = UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
        guard kind.id == StorageKind.f32.id else { return halfValue(low) }
        return Double(Float(bitPattern: UInt32(low) | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24))
    }

    func key(_ token: Int, _ element: Int) -> Double {
        self.element(keys[token / blockTokens], element * blockTokens + token % blockTokens)
    }

    func value(_ token: Int, _ element: Int) -> Double {
        self.element(values[token / blockTokens], token % blockTokens * headSize + element)
    }

    /// Query i sees the first limits[i] tokens.
    func attend(_ q: [Float], limits: [Int]) -> [Float] {
        let queries = limits.count
        let stride = headSize + 3
        var max = [Float](repeating: .nan, count: queries)
        var sum = max
        var acc = [Float](repeating: .nan, count: queries * stride)
        kernels.attention_start(&max, &sum, &acc, stride, queries, headSize)
        for block in keys.indices {
            let visible = limits.map { UInt32(Swift.min(Swift.max($0 - block * blockTokens, 0), blockTokens)) }
            run(block, q, visible: visible, max: &max, sum: &sum, acc: &acc, stride: stride)
        }
        var out = [Float](repeating: .nan, count: queries * headSize)
        kernels.attention_finish(sum, acc, stride, queries, headSize, &out, headSize)
        return out
    }

    func run(_ block: Int, _ q: [Float], visible: [UInt32], max: inout [Float], sum: inout [Float], acc: inout [Float], stride: Int) {
        let queries = visible.count
        q.withUnsafeBufferPointer { q in
            visible.withUnsafeBufferPointer { visible in
                keys[block].withUnsafeBytes { keys in
                    values[block].withUnsafeBytes { values in
                        max.withUnsafeMutableBufferPointer { max in
                            sum.withUnsafeMutableBufferPointer { sum in
                                acc.withUnsafeMutableBufferPointer { acc in
                                    var arguments = stellar_attention_block()
                                    (arguments.q, arguments.ldq, arguments.queries) = (q.baseAddress, headSize, queries)
                                    (arguments.head_size, arguments.block_tokens) = (headSize, blockTokens)
                                    (arguments.keys, arguments.values) = (keys.baseAddress, values.baseAddress)
                                    (arguments.kv_type, arguments.visible) = (kind.type, visible.baseAddress)
                                    (arguments.max, arguments.sum) = (max.baseAddress, sum.baseAddress)
                                    (arguments.acc, arguments.ldacc) = (acc.baseAddress, stride)
                                    kernels.attention_block(&arguments)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

@Suite("Attention kernels")
struct AttentionKernelTests {
    private static let shapes = [(64, 32), (64, 16), (80, 48), (128, 32), (7, 32), (17, 64), (1, 16)]

    /// Softmax attention of one query in double precision, and the greatest error that 32-bit arithmetic may add.
    private func reference(_ c: AttentionCase, _ q: ArraySlice<Float>, limit: Int) -> (out: [Double], bound: Double) {
        guard limit > 0 else { return ([Double](repeating: 0, count: c.headSize), 0) }
        var scores: [Double] = []
        var largest = 0.0
        for token in 0..<limit {
            let terms = zip(q, 0..<c.headSize).map { Double($0) * c.key(token, $1) }
            scores.append(terms.reduce(0, +))
            largest = max(largest, terms.reduce(0) { $0 + abs($1) })
        }
        let top = scores.max() ?? 0
        let weights = scores.map { exp($0 - top) }
        let sum = weights.reduce(0, +)
        var greatest = 0.0
        let out = (0..<c.headSize).map { d -> Double in
            (0..<limit).reduce(0) { partial, token in
                greatest = max(greatest, abs(c.value(token, d)))
                return partial + weights[token] / sum * c.value(token, d)
            }
        }
        // Weights are off by the error of their score, twice (token and maximum), of the subtraction, and of exp (four units);
        // each span rescales with one more exp; numerator and denominator sum up to `limit` terms.
        let score = accumulatedError(c.headSize) * largest
        let spans = Double(limit / 16 + 1)
        let weight = 2 * score + (2 * largest + 8 * spans) * unitRoundoff
        return (out, 2 * greatest * (weight + accumulatedError(limit + 4)))
    }

    @Test("Attention is that of the plain softmax", arguments: InstructionSet.available, [StorageKind.f16, .f32])
    func accuracy(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for (headSize, blockTokens) in Self.shapes {
            for queries in [1, 2, 3, 4, 5, 8, 11, 17] {
                let tokens = 3 * blockTokens - 5
                let c = AttentionCase(kernels, kind, headSize: headSize, blockTokens: blockTokens, tokens: tokens)
                var generator = KernelTestGenerator(seed: UInt64(queries))
                let q = generator.floats(queries * headSize, in: -2...2)
                let limits = (0..<queries).map { ($0 * 37 + tokens) % (tokens + 1) }
                let out = c.attend(q, limits: limits)
                for query in 0..<queries {
                    let range = (query * headSize)..<((query + 1) * headSize)
                    let expected = reference(c, q[range], limit: limits[query])
                    let error = zip(out[range], expected.out).map { abs(Double($0) - $1) }.max() ?? 0
                    // NaN fails too: it is not below any bound.
                    #expect(error <= expected.bound, "head \(headSize), block \(blockTokens), \(queries) queries, query \(query)")
                }
            }
        }
    }

    @Test("Large scores neither overflow nor lose the winner", arguments: InstructionSet.available)
    func largeScores(set: InstructionSet) throws {
        let c = AttentionCase(try set.kernels(), .f16, headSize: 64, blockTokens: 32, tokens: 90, scale: 400)
        var generator = KernelTestGenerator(seed: 47)
        let q = generator.floats(64, in: -50...50)
        let scores = (0..<90).map { token in (0..<64).reduce(0) { $0 + Double(q[$1]) * c.key(token, $1) } }
        let winner = try #require(scores.indices.max { scores[$0] < scores[$1] })
        let out = c.attend(q, limits: [90])
        for d in 0..<64 { #expect(abs(Double(out[d]) - c.value(winner, d)) <= 1e-5) }
    }

    @Test(
        "A query's result does not depend on the queries that share the call",
        arguments: InstructionSet.available,
        [StorageKind.f16, .f32]
    )
    func batchInvariance(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for (headSize, blockTokens) in Self.shapes {
            let tokens = 2 * blockTokens + 9
            let c = AttentionCase(kernels, kind, headSize: headSize, blockTokens: blockTokens, tokens: tokens)
            var generator = KernelTestGenerator(seed: 53)
            let q = generator.floats(23 * headSize)
            let limits = (0..<23).map { _ in Int.random(in: 0...tokens, using: &generator) }
            let whole = c.attend(q, limits: limits)
            for count in 1...13 {
                let first = 23 - count
                let part = c.attend(Array(q[(first * headSize)...]), limits: Array(limits[first...]))
                #expect(bitPatterns(part) == bitPatterns(Array(whole[(first * headSize)...])), "head \(headSize), \(count) queries")
            }
        }
    }

    @Test("A query that sees nothing of a block keeps its state", arguments: InstructionSet.available)
    func nothingVisible(set: InstructionSet) throws {
        let c = AttentionCase(try set.kernels(), .f16, headSize: 20, blockTokens: 32, tokens: 32)
        for queries in [1, 3, 8, 9] {
            var max = (0..<queries).map { Float($0) - 3 }
            var sum = (0..<queries).map { Float($0) + 0.25 }
            var acc = (0..<(queries * 20)).map { Float($0) * -0.5 }
            let before = (max, sum, acc)
            var generator = KernelTestGenerator(seed: 59)
            let q = generator.floats(queries * 20)
            // The last query sees tokens, so that tiles with both sorts are there.
            let visible = (0..<queries).map { UInt32($0 == queries - 1 && queries > 1 ? 32 : 0) }
            c.run(0, q, visible: visible, max: &max, sum: &sum, acc: &acc, stride: 20)
            for query in 0..<queries where visible[query] == 0 {
                let range = (query * 20)..<((query + 1) * 20)
                #expect(max[query] == before.0[query] && sum[query] == before.1[query])
                #expect(bitPatterns(Array(acc[range])) == bitPatterns(Array(before.2[range])))
            }
            if queries > 1 { #expect(sum[queries - 1] != before.1[queries - 1]) }
        }
    }

    @Test("Without any visible token the result is zero", arguments: InstructionSet.available)
    func emptyAttention(set: InstructionSet) throws {
        let c = AttentionCase(try set.kernels(), .f32, headSize: 16, blockTokens: 16, tokens: 16)
        #expect(c.attend([Float](repeating: 1, count: 32), limits: [0, 0]) == [Float](repeating: 0, count: 32))
    }

    @Test("Storing a token writes its own places only", arguments: InstructionSet.available, [StorageKind.f16, .f32])
    func storage(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for headSize in [1, 5, 16, 64, 83] {
            let count = headSize * 16 * kind.blockBytes
            let (keys, values) = (try GuardedMemory(count: count), try GuardedMemory(count: count))
            memset(keys.start, 0xee, count)
            memset(values.start, 0xee, count)
            var generator = KernelTestGenerator(seed: 61)
            let (key, value) = (generator.floats(headSize), generator.floats(headSize))
            kernels.kv_store(kind.type, key, value, keys.start, values.start, 15, headSize, 16)
            let expected = { (number: Float) -> [UInt8] in
                let half = stellar_f32_to_f16(number)
                return kind.id == 0 ? withUnsafeBytes(of: number) { Array($0) } : withUnsafeBytes(of: half) { Array($0) }
            }
            var wantedKeys = [UInt8](repeating: 0xee, count: count)
            var wantedValues = wantedKeys
            for d in 0..<headSize {
                let (keyAt, valueAt) = ((d * 16 + 15) * kind.blockBytes, (15 * headSize + d) * kind.blockBytes)
                wantedKeys.replaceSubrange(keyAt..<(keyAt + kind.blockBytes), with: expected(key[d]))
                wantedValues.replaceSubrange(valueAt..<(valueAt + kind.blockBytes), with: expected(value[d]))
            }
            #expect(Array(UnsafeRawBufferPointer(start: keys.start, count: count)) == wantedKeys)
            #expect(Array(UnsafeRawBufferPointer(start: values.start, count: count)) == wantedValues)
        }
    }

    @Test("Attention stays within its buffers", arguments: InstructionSet.available, [StorageKind.f16, .f32])
    func bounds(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for headSize in [1, 7, 16, 33, 64] {
            for queries in [1, 3, 9] {
                let c = AttentionCase(kernels, kind, headSize: headSize, blockTokens: 16, tokens: 16)
                var generator = KernelTestGenerator(seed: 67)
                let q = try GuardedMemory(generator.floats(queries * headSize))
                let visible = try GuardedMemory([UInt32](repeating: 16, count: queries))
                let (keys, values) = (try GuardedMemory(c.keys[0]), try GuardedMemory(c.values[0]))
                let (max, sum) = (try GuardedMemory(count: queries * 4), try GuardedMemory(count: queries * 4))
                let acc = try GuardedMemory(count: queries * headSize * 4)
                kernels.attention_start(max.floats, sum.floats, acc.floats, headSize, queries, headSize)
                var arguments = stellar_attention_block()
                (arguments.q, arguments.ldq, arguments.queries) = (UnsafePointer(q.floats), headSize, queries)
                (arguments.head_size, arguments.block_tokens, arguments.kv_type) = (headSize, 16, kind.type)
                (arguments.keys, arguments.values) = (UnsafeRawPointer(keys.start), UnsafeRawPointer(values.start))
                arguments.visible = UnsafePointer(visible.start.assumingMemoryBound(to: UInt32.self))
                (arguments.max, arguments.sum, arguments.acc, arguments.ldacc) = (max.floats, sum.floats, acc.floats, headSize)
                kernels.attention_block(&arguments)
                kernels.attention_finish(sum.floats, acc.floats, headSize, queries, headSize, acc.floats, headSize)
                #expect(acc.floatArray() == c.attend(q.floatArray(), limits: [Int](repeating: 16, count: queries)))
            }
        }
    }
}
