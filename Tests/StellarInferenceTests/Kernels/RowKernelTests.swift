import CStellarKernels
import Foundation
import Testing

@Suite("Row kernels")
struct RowKernelTests {
    private static let sizes = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 576, 1001]

    @Test("RMS norm follows its definition, in place too", arguments: InstructionSet.available)
    func rmsNorm(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var generator = KernelTestGenerator(seed: 71)
        for size in Self.sizes {
            let x = generator.floats(size, in: -10...10)
            let weight = generator.floats(size, in: -2...2)
            let squares = x.reduce(0) { $0 + Double($1) * Double($1) }
            let factor = 1 / (squares / Double(size) + Double(Float(1e-5))).squareRoot()
            let memory = (try GuardedMemory(x), try GuardedMemory(weight), try GuardedMemory(count: size * 4))
            kernels.rms_norm(memory.0.floats, memory.1.floats, memory.2.floats, size, 1e-5)
            let y = memory.2.floatArray()
            for index in 0..<size {
                let expected = Double(x[index]) * factor * Double(weight[index])
                // The sum of squares is under a root: half its relative error. Then three roundings.
                #expect(abs(Double(y[index]) - expected) <= abs(expected) * (accumulatedError(size + 1) / 2 + accumulatedError(4)))
            }
            kernels.rms_norm(memory.0.floats, memory.1.floats, memory.0.floats, size, 1e-5)
            #expect(bitPatterns(memory.0.floatArray()) == bitPatterns(y))
        }
    }

    @Test("RMS norm of zeros is zero, of tiny numbers finite", arguments: InstructionSet.available)
    func rmsNormExtremes(set: InstructionSet) throws {
        let kernels = try set.kernels()
        let ones = [Float](repeating: 1, count: 20)
        for value: Float in [0, .leastNonzeroMagnitude, 1e-30, 1e18] {
            let x = [Float](repeating: value, count: 20)
            var y = [Float](repeating: .nan, count: 20)
            kernels.rms_norm(x, ones, &y, 20, 1e-6)
            #expect(y.allSatisfy { $0.isFinite && $0 <= 1.001 })
            #expect(value < 1 || y.allSatisfy { $0 > 0.999 })
        }
    }

    @Test("Rotations turn each pair by its angle, the same bits everywhere", arguments: InstructionSet.available)
    func rotations(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var generator = KernelTestGenerator(seed: 73)
        for pairs in [1, 3, 4, 8, 15, 16, 17, 32, 50] {
            let angles = generator.floats(pairs, in: -7...7)
            let (cosines, sines) = (try GuardedMemory(angles.map(cos)), try GuardedMemory(angles.map(sin)))
            let x = generator.floats(2 * pairs, in: -4...4)
            let (interleaved, halves) = (try GuardedMemory(x), try GuardedMemory(x))
            kernels.rope_interleaved(interleaved.floats, cosines.floats, sines.floats, pairs)
            kernels.rope_half(halves.floats, cosines.floats, sines.floats, pairs)
            for pair in 0..<pairs {
                let (c, s) = (cosines.floats[pair], sines.floats[pair])
                let turn = { (a: Float, b: Float) -> [Float] in
                    let (ac, bs, sa, bc) = (a * c, b * s, a * s, b * c)
                    return [ac - bs, sa + bc]
                }
                #expect([interleaved.floats[2 * pair], interleaved.floats[2 * pair + 1]] == turn(x[2 * pair], x[2 * pair + 1]))
                #expect([halves.floats[pair], halves.floats[pair + pairs]] == turn(x[pair], x[pair + pairs]))
            }
        }
    }

    @Test("SiLU times the other branch is exact to a few units", arguments: InstructionSet.available)
    func silu(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var gate = (-8700...8800).map { Float($0) / 100 }
        var generator = KernelTestGenerator(seed: 79)
        gate += generator.floats(999, in: -20...20)
        let up = generator.floats(gate.count, in: -3...3)
        var out = [Float](repeating: .nan, count: gate.count)
        kernels.silu_multiply(gate, up, &out, gate.count)
        for index in gate.indices {
            let g = Double(gate[index])
            let expected = g / (1 + exp(-g)) * Double(up[index])
            // exp to 2e-7, then sum, quotient, product; the quotient may be denormal before it is multiplied.
            let bound = abs(expected) * (2e-7 + accumulatedError(3)) + 0x1p-149 * (1 + abs(Double(up[index])))
            #expect(abs(Double(out[index]) - expected) <= bound, "gate \(gate[index])")
        }
        for size in 1...40 {
            let memory = (try GuardedMemory(Array(gate.suffix(size))), try GuardedMemory(Array(up.suffix(size))))
            kernels.silu_multiply(memory.0.floats, memory.1.floats, memory.0.floats, size)
            let wanted = out.suffix(size)
            #expect(zip(memory.0.floatArray(), wanted).allSatisfy { abs($0 - $1) <= abs($1) * 2e-6 })
        }
    }

    @Test("SiLU of large gates is the gate or zero, NaN stays NaN", arguments: InstructionSet.available)
    func siluExtremes(set: InstructionSet) throws {
        let kernels = try set.kernels()
        let gate: [Float] = [1e30, 100, 0, -0.0, -104, -1e30, .infinity, .nan]
        var out = [Float](repeating: 5, count: 8)
        kernels.silu_multiply(gate, [Float](repeating: 1, count: 8), &out, 8)
        #expect(out[0...3] == [1e30, 100, 0, 0])
        #expect(abs(out[4]) < .leastNormalMagnitude && out[5] == 0 && out[6] == .infinity && out[7].isNaN)
    }

    @Test("Adding adds", arguments: InstructionSet.available)
    func addition(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var generator = KernelTestGenerator(seed: 83)
        for size in [0] + Self.sizes {
            let (x, y) = (generator.floats(size), generator.floats(size))
            let memory = (try GuardedMemory(x), try GuardedMemory(y))
            kernels.add(memory.0.floats, memory.1.floats, size)
            #expect(memory.0.floatArray() == zip(x, y).map { $0 + $1 })
        }
    }

    @Test("The greatest logit is found wherever it stands, the first of equals", arguments: InstructionSet.available)
    func argmax(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var generator = KernelTestGenerator(seed: 89)
        for size in Self.sizes {
            for position in Set([0, size / 2, size - 1]) {
                var x = generator.floats(size)
                x[position] = 2
                x[size - 1] = 2
                let memory = try GuardedMemory(x)
                #expect(kernels.argmax(memory.floats, size) == position)
                #expect(kernels.max(memory.floats, size) == 2)
            }
        }
    }

    @Test("NaN never wins", arguments: InstructionSet.available)
    func notANumber(set: InstructionSet) throws {
        let kernels = try set.kernels()
        for size in [1, 5, 16, 40] {
            var x = [Float](repeating: .nan, count: size)
            #expect(kernels.argmax(x, size) == 0 && kernels.max(x, size) == -.infinity)
            x[size - 1] = -.infinity
            #expect(kernels.argmax(x, size) == size - 1)
            x[size / 2] = -5
            #expect(kernels.argmax(x, size) == size / 2 && kernels.max(x, size) == -5)
        }
        #expect(kernels.argmax([], 0) == 0 && kernels.max([], 0) == -.infinity)
        #expect(kernels.argmax([-.infinity, .infinity, .infinity], 3) == 1)
    }

    @Test("Softmax and log-sum-exp follow their definitions", arguments: InstructionSet.available)
    func softmax(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var generator = KernelTestGenerator(seed: 97)
        for size in Self.sizes + [49152] {
            let x = generator.floats(size, in: -30...30)
            let top = Double(x.max() ?? 0)
            let sum = x.reduce(0) { $0 + exp(Double($1) - top) }
            // Terms carry the error of the subtraction and of exp, their sum that of `size` additions.
            let relative = 60 * unitRoundoff + 2e-7 + accumulatedError(size)
            let memory = try GuardedMemory(x)
            let logSum = Double(kernels.log_sum_exp(memory.floats, size))
            #expect(abs(logSum - (top + log(sum))) <= relative + 2 * unitRoundoff * (abs(top) + log(sum)))
            kernels.softmax(memory.floats, size)
            for (value, result) in zip(x, memory.floatArray()) {
                let expected = exp(Double(value) - top) / sum
                #expect(abs(Double(result) - expected) <= expected * (2 * relative + accumulatedError(3)))
            }
        }
    }

    @Test("The exponential is right to 2e-7 down to exp(-87), and not more than that off below", arguments: InstructionSet.available)
    func exponential(set: InstructionSet) throws {
        let kernels = try set.kernels()
        // Beside a zero, numbers below -17.4 disappear from the sum: softmax gives their exponential itself.
        for step in 0..<20_000 {
            let value = -17.5 - Float(step) / 20_000 * 69.5
            var pair: [Float] = [0, value]
            kernels.softmax(&pair, 2)
            #expect(abs(Double(pair[1]) / exp(Double(value)) - 1) <= 2e-7, "\(value)")
        }
        var low: [Float] = [0, -87.1, -88, -100, -103.9, -105, -1e30, -.infinity]
        kernels.softmax(&low, low.count)
        #expect(low[1..<5].allSatisfy { (0...exp(-87)).contains(Double($0)) })
        #expect(low[5...] == [0, 0, 0])
    }

    @Test("Softmax of nothing but minus infinity is zero", arguments: InstructionSet.available)
    func emptySoftmax(set: InstructionSet) throws {
        let kernels = try set.kernels()
        for size in [1, 4, 16, 21] {
            var x = [Float](repeating: -.infinity, count: size)
            #expect(kernels.log_sum_exp(x, size) == -.infinity)
            kernels.softmax(&x, size)
            #expect(x == [Float](repeating: 0, count: size))
        }
        #expect(kernels.log_sum_exp([], 0) == -.infinity)
    }
}
