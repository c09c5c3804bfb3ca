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
        let garbage = [UInt8](repeating: 0xff, count: stellar_kv_block_bytes(kind.type, headSize, blockTokens))  // NaN as half and as float
        keys = Array(repeating: garbage, count: blocks)
        values = keys
        for token in 0..<tokens {
            let key = generator.floats(headSize, in: (-scale)...scale)
            let value = generator.floats(headSize, in: -2...2)
            let block = token / blockTokens
            kernels.kv_store(kind.type, key, value, &keys[block], &values[block], token % blockTokens, headSize, blockTokens)
        }
    }

    /// An element of the token in place `slot`, by the definition of the block.
    private func element(_ bytes: [UInt8], _ index: Int, slot: Int) -> Double {
        if kind.id == StorageKind.q80.id {
            let scale = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: headSize * blockTokens + 4 * slot, as: Float.self) }
            return Double(Int8(bitPattern: bytes[index])) * Double(scale)
        }
        let at = index * kind.blockBytes
        let low = UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
        guard kind.id == StorageKind.f32.id else { return halfValue(low) }
        return Double(Float(bitPattern: UInt32(low) | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24))
    }

    func key(_ token: Int, _ element: Int) -> Double {
        self.element(keys[token / blockTokens], element * blockTokens + token % blockTokens, slot: token % blockTokens)
    }

    func value(_ token: Int, _ element: Int) -> Double {
        self.element(values[token / blockTokens], token % blockTokens * headSize + element, slot: token % blockTokens)
    }

    /// Query i sees the tokens limits[i]; partitions of `partition` blocks.
    func attend(_ q: [Float], limits: [Range<Int>], partition: Int = 2, softcap: Float = 0) -> [Float] {
        let stride = headSize + 3
        var state = AttentionState(queries: limits.count, stride: stride)
        for start in Swift.stride(from: 0, to: keys.count, by: partition) {
            let blocks = start..<min(start + partition, keys.count)
            let part = run(blocks, q, limits: limits, stride: stride, softcap: softcap)
            if start == 0 {
                state = part
            } else {
                kernels.attention_merge(
                    &state.max,
                    &state.sum,
                    &state.acc,
                    part.max,
                    part.sum,
                    part.acc,
                    limits.count,
                    headSize,
                    stride
                )
            }
        }
        var out = [Float](repeating: .nan, count: limits.count * headSize)
        kernels.attention_finish(state.sum, state.acc, stride, limits.count, headSize, &out, headSize)
        return out
    }

    func attend(_ q: [Float], limits: [Int]) -> [Float] {
        attend(q, limits: limits.map { 0..<$0 })
    }

    /// The state after one partition.
    func run(_ blocks: Range<Int>, _ q: [Float], limits: [Range<Int>], stride: Int, softcap: Float = 0) -> AttentionState {
        let (start, end) = (blocks.lowerBound * blockTokens, blocks.upperBound * blockTokens)
        let seen = limits.map { $0.clamped(to: start..<end) }
        var state = AttentionState(queries: limits.count, stride: stride)
        let guarded = (keys[blocks].map { try? GuardedMemory($0) }, values[blocks].map { try? GuardedMemory($0) })
        let keyStarts = guarded.0.map { $0.map { UnsafeRawPointer($0.start) } }
        let valueStarts = guarded.1.map { $0.map { UnsafeRawPointer($0.start) } }
        let first = seen.map { UInt32($0.lowerBound - start) }
        let last = seen.map { UInt32($0.upperBound - start) }
        withExtendedLifetime(guarded) {
            call(q, keyStarts, valueStarts, first, last, softcap, stride, &state)
        }
        return state
    }

    private func call(
        _ q: [Float],
        _ keys: [UnsafeRawPointer?],
        _ values: [UnsafeRawPointer?],
        _ first: [UInt32],
        _ end: [UInt32],
        _ softcap: Float,
        _ stride: Int,
        _ state: inout AttentionState
    ) {
        q.withUnsafeBufferPointer { q in
            keys.withUnsafeBufferPointer { keys in
                values.withUnsafeBufferPointer { values in
                    first.withUnsafeBufferPointer { first in
                        end.withUnsafeBufferPointer { end in
                            var arguments = stellar_attention()
                            (arguments.q, arguments.ldq, arguments.queries) = (q.baseAddress, headSize, first.count)
                            (arguments.head_size, arguments.block_tokens, arguments.blocks) = (headSize, blockTokens, keys.count)
                            (arguments.keys, arguments.values) = (keys.baseAddress, values.baseAddress)
                            (arguments.kv_type, arguments.first, arguments.end) = (kind.type, first.baseAddress, end.baseAddress)
                            arguments.soft_cap = softcap
                            state.withPointers { max, sum, acc in
                                (arguments.max, arguments.sum, arguments.acc, arguments.ldacc) = (max, sum, acc, stride)
                                kernels.attention(&arguments)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Greatest score, sum of weights and weighted values of some queries.
private struct AttentionState: Equatable {
    var max: [Float]
    var sum: [Float]
    var acc: [Float]

    init(queries: Int, stride: Int) {
        max = [Float](repeating: .nan, count: queries)
        sum = max
        acc = [Float](repeating: .nan, count: queries * stride)
    }

    mutating func withPointers(
        _ body: (UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?) -> Void
    ) {
        max.withUnsafeMutableBufferPointer { max in
            sum.withUnsafeMutableBufferPointer { sum in
                acc.withUnsafeMutableBufferPointer { acc in body(max.baseAddress, sum.baseAddress, acc.baseAddress) }
            }
        }
    }
}

@Suite("Attention kernels")
struct AttentionKernelTests {
    private static let shapes = [(64, 32), (64, 16), (80, 48), (128, 32), (7, 32), (17, 64), (1, 16)]

    /// Softmax attention of one query in double precision, and the greatest error that 32-bit arithmetic may add.
    private func reference(
        _ c: AttentionCase,
        _ q: ArraySlice<Float>,
        limit: Range<Int>,
        softcap: Double = 0
    ) -> (out: [Double], bound: Double) {
        guard !limit.isEmpty else { return ([Double](repeating: 0, count: c.headSize), 0) }
        var scores: [Double] = []
        var largest = 0.0
        for token in limit {
            let terms = zip(q, 0..<c.headSize).map { Double($0) * c.key(token, $1) }
            let score = terms.reduce(0, +)
            scores.append(softcap > 0 ? softcap * tanh(score / softcap) : score)
            largest = max(largest, terms.reduce(0) { $0 + abs($1) })
        }
        let top = scores.max() ?? 0
        let weights = scores.map { exp($0 - top) }
        let sum = weights.reduce(0, +)
        var greatest = 0.0
        let out = (0..<c.headSize).map { d -> Double in
            limit.reduce(0) { partial, token in
                greatest = max(greatest, abs(c.value(token, d)))
                return partial + weights[token - limit.lowerBound] / sum * c.value(token, d)
            }
        }
        // Weights are off by the error of their score, twice (token and maximum), of the subtraction, and of exp (four units);
        // each partition rescales with one more exp; numerator and denominator sum up to as many terms as tokens are seen. The soft cap
        // adds an exp, a quotient and a product, of values up to the cap.
        let score = accumulatedError(c.headSize) * largest
        let partitions = Double(limit.count / 16 + 1)
        let weight = 2 * score + (2 * largest + 8 * partitions + 32 * softcap) * unitRoundoff
        return (out, 2 * greatest * (weight + accumulatedError(limit.count + 4)))
    }

    @Test("Attention is that of the plain softmax", arguments: InstructionSet.available, [StorageKind.f16, .f32, .q80])
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
                    let expected = reference(c, q[range], limit: 0..<limits[query])
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
        [StorageKind.f16, .f32, .q80]
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

    @Test(
        "A window hides what lies before it, and a soft cap bends the scores",
        arguments: InstructionSet.available,
        [StorageKind.f16, .f32, .q80]
    )
    func windowAndSoftCap(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for (headSize, blockTokens) in Self.shapes {
            let tokens = 5 * blockTokens - 3
            let c = AttentionCase(kernels, kind, headSize: headSize, blockTokens: blockTokens, tokens: tokens)
            var generator = KernelTestGenerator(seed: 71)
            for queries in [1, 3, 8, 9] {
                let q = generator.floats(queries * headSize, in: -2...2)
                let limits = (0..<queries).map { query in
                    let end = Int.random(in: 1...tokens, using: &generator)
                    return Swift.max(0, end - (query * 29 + 1) % (3 * blockTokens))..<end
                }
                for softcap in [Float(0), 0.5, 30] {
                    let out = c.attend(q, limits: limits, softcap: softcap)
                    for query in 0..<queries {
                        let range = (query * headSize)..<((query + 1) * headSize)
                        let expected = reference(c, q[range], limit: limits[query], softcap: Double(softcap))
                        let error = zip(out[range], expected.out).map { abs(Double($0) - $1) }.max() ?? 0
                        #expect(error <= expected.bound, "head \(headSize), \(limits[query]) of \(tokens), cap \(softcap)")
                    }
                }
            }
        }
    }

    @Test("A query that sees nothing of a partition gets an empty state, which changes nothing", arguments: InstructionSet.available)
    func nothingVisible(set: InstructionSet) throws {
        let c = AttentionCase(try set.kernels(), .f16, headSize: 20, blockTokens: 32, tokens: 64)
        for queries in [1, 3, 8, 9] {
            var generator = KernelTestGenerator(seed: 59)
            let q = generator.floats(queries * 20)
            // The last query sees tokens, so that tiles with both sorts are there.
            let limits = (0..<queries).map { $0 == queries - 1 && queries > 1 ? 0..<64 : 0..<32 }
            let empty = c.run(1..<2, q, limits: limits, stride: 20)
            for query in 0..<queries where limits[query].count == 32 {
                #expect(empty.max[query] == -.infinity && empty.sum[query] == 0)
                #expect(empty.acc[query * 20..<query * 20 + 20].allSatisfy { $0 == 0 })
            }
            let whole = c.attend(q, limits: limits, partition: 1)
            let alone = c.attend(Array(q[0..<20]), limits: [0..<(queries == 1 ? 32 : limits[0].count)], partition: 2)
            #expect(bitPatterns(Array(whole[0..<20])) == bitPatterns(alone))
        }
    }

    @Test("Without any visible token the result is zero", arguments: InstructionSet.available)
    func emptyAttention(set: InstructionSet) throws {
        let c = AttentionCase(try set.kernels(), .f32, headSize: 16, blockTokens: 16, tokens: 16)
        #expect(c.attend([Float](repeating: 1, count: 32), limits: [0, 0]) == [Float](repeating: 0, count: 32))
    }

    @Test(
        "Bytes of a token are the nearest to its numbers, with a scale of their own, and nothing else is written",
        arguments: InstructionSet.available
    )
    func storedBytes(set: InstructionSet) throws {
        let kernels = try set.kernels()
        for headSize in [1, 5, 16, 64, 83] {
            let (elements, count) = (headSize * 16, stellar_kv_block_bytes(STELLAR_TYPE_Q8_0, headSize, 16))
            var generator = KernelTestGenerator(seed: 67)
            for value in [generator.floats(headSize), .init(repeating: 0, count: headSize), .init(repeating: .infinity, count: headSize)] {
                let (keys, values) = (try GuardedMemory(count: count), try GuardedMemory(count: count))
                memset(keys.start, 0xee, count)
                memset(values.start, 0xee, count)
                let key = generator.floats(headSize)
                kernels.kv_store(STELLAR_TYPE_Q8_0, key, value, keys.start, values.start, 15, headSize, 16)
                for (memory, numbers, place) in [(keys, key, { $0 * 16 + 15 }), (values, value, { 15 * headSize + $0 })]
                    as [(GuardedMemory, [Float], (Int) -> Int)]
                {
                    let greatest = numbers.map(abs).max() ?? 0
                    var wanted = [UInt8](repeating: 0xee, count: count)
                    for d in 0..<headSize {
                        let number = greatest.isFinite && greatest > 0 ? (numbers[d] * (127 / greatest)).rounded(.toNearestOrEven) : 0
                        wanted[place(d)] = UInt8(bitPattern: Int8(number))
                    }
                    let scale = greatest.isFinite ? greatest / 127 : .nan
                    let found = Array(UnsafeRawBufferPointer(start: memory.start, count: count))
                    #expect(found[..<(elements + 60)] == wanted[..<(elements + 60)])
                    let stored = found.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: elements + 60, as: Float.self) }
                    #expect(stored == scale || stored.isNaN && scale.isNaN)
                }
            }
        }
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
}
