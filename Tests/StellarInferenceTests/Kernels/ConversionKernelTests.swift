import CStellarKernels
import Testing

@Suite("Half-precision conversions")
struct ConversionKernelTests {
    private static let everyPattern = Array(0...UInt16.max)

    @Test("All 65,536 halves have the value of their definition, and come back", arguments: InstructionSet.available)
    func halves(set: InstructionSet) throws {
        let kernels = try set.kernels()
        let patterns = Self.everyPattern
        var values = [Float](repeating: 0, count: patterns.count)
        kernels.f16_to_f32(patterns, &values, patterns.count)
        var back = [UInt16](repeating: 0, count: patterns.count)
        kernels.f32_to_f16(values, &back, patterns.count)
        var wrong: [UInt16] = []
        for pattern in patterns {
            let value = values[Int(pattern)]
            let expected = halfValue(pattern)
            if expected.isNaN {
                if !value.isNaN || back[Int(pattern)] != pattern | 0x200 { wrong.append(pattern) }
            } else if Double(value) != expected || value.sign != (pattern & 0x8000 == 0 ? .plus : .minus) || back[Int(pattern)] != pattern {
                wrong.append(pattern)
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test("Floats between two halves go to the nearest, ties to the even one", arguments: InstructionSet.available)
    func rounding(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var inputs: [Float] = []
        var expected: [UInt16] = []
        for pattern in UInt16(0)..<0x7bff {
            let middle = Float((halfValue(pattern) + halfValue(pattern + 1)) / 2)
            let even = pattern & 1 == 0 ? pattern : pattern + 1
            inputs += [middle, middle.nextDown, middle.nextUp, -middle]
            expected += [even, pattern, pattern + 1, even | 0x8000]
        }
        inputs += [65519.996, 65520, 1e30, .infinity, -65520, 0x1p-25, (0x1p-25 as Float).nextUp, .leastNonzeroMagnitude, -0.0]
        expected += [0x7bff, 0x7c00, 0x7c00, 0x7c00, 0xfc00, 0, 1, 0, 0x8000]
        var results = [UInt16](repeating: 0, count: inputs.count)
        kernels.f32_to_f16(inputs, &results, inputs.count)
        #expect(zip(results, expected).allSatisfy { $0 == $1 })
    }

    @Test("bfloat16 is the upper half of a float, rounded to nearest even", arguments: InstructionSet.available)
    func brainFloats(set: InstructionSet) throws {
        let kernels = try set.kernels()
        let patterns = Self.everyPattern
        var values = [Float](repeating: 0, count: patterns.count)
        kernels.bf16_to_f32(patterns, &values, patterns.count)
        #expect(zip(values, patterns).allSatisfy { $0.bitPattern == UInt32($1) << 16 })
        var inputs: [Float] = []
        var expected: [UInt16] = []
        for pattern in patterns where pattern & 0x7f80 != 0x7f80 {
            let base = UInt32(pattern) << 16
            inputs += [0, 0x7fff, 0x8000, 0x8001].map { Float(bitPattern: base | $0) }
            expected += [pattern, pattern, pattern + (pattern & 1), pattern + 1]
        }
        inputs += [.infinity, -.infinity, Float(bitPattern: 0x7f80_0001)]
        expected += [0x7f80, 0xff80, 0x7fc0]
        var results = [UInt16](repeating: 0, count: inputs.count)
        kernels.f32_to_bf16(inputs, &results, inputs.count)
        #expect(zip(results, expected).allSatisfy { $0 == $1 })
    }

    @Test("Any count of elements is converted, and nothing beyond", arguments: InstructionSet.available)
    func counts(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var generator = KernelTestGenerator(seed: 43)
        for count in 0...40 {
            let values = generator.floats(count)
            let floats = try GuardedMemory(values)
            let halves = try GuardedMemory(count: count * 2)
            kernels.f32_to_f16(floats.floats, halves.halves, count)
            for index in 0..<count { #expect(halves.halves[index] == stellar_f32_to_f16(values[index])) }
            kernels.f16_to_f32(halves.halves, floats.floats, count)
            for index in 0..<count { #expect(floats.floats[index] == stellar_f16_to_f32(halves.halves[index])) }
        }
    }
}
