import CStellarKernels
import Foundation
import Testing

@Suite("GELU and soft caps")
struct GatedActivationTests {
    @Test("GELU times the other branch is exact to a few units", arguments: InstructionSet.available)
    func gelu(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var gate = (-900...900).map { Float($0) / 100 }
        var generator = KernelTestGenerator(seed: 97)
        gate += generator.floats(999, in: -12...12)
        let up = generator.floats(gate.count, in: -3...3)
        var out = [Float](repeating: .nan, count: gate.count)
        kernels.gelu_multiply(gate, up, &out, gate.count)
        for index in gate.indices {
            let g = Double(gate[index])
            let inner = (2 / Double.pi).squareRoot() * (g + 0.044715 * g * g * g)
            let expected = g / (1 + exp(-2 * inner)) * Double(up[index])
            // The argument of exp is rounded: its error is a relative one of exp. exp to 2e-7, then sum, quotient, product.
            // Where exp is infinite, from about -10 on, the result is 0.
            let bound = abs(expected) * (2 * abs(inner) * accumulatedError(5) + 2e-7 + accumulatedError(3)) + 2e-37
            #expect(abs(Double(out[index]) - expected) <= bound, "gate \(gate[index])")
        }
        for size in 1...40 {
            let memory = (try GuardedMemory(Array(gate.suffix(size))), try GuardedMemory(Array(up.suffix(size))))
            kernels.gelu_multiply(memory.0.floats, memory.1.floats, memory.0.floats, size)
            #expect(zip(memory.0.floatArray(), out.suffix(size)).allSatisfy { abs($0 - $1) <= abs($1) * 2e-5 + 1e-30 })
        }
    }

    @Test("GELU of large gates is the gate or zero, NaN stays NaN", arguments: InstructionSet.available)
    func geluExtremes(set: InstructionSet) throws {
        let gate: [Float] = [1e30, 100, 0, -0.0, -100, -1e30, .infinity, .nan]
        var out = [Float](repeating: 5, count: 8)
        try set.kernels().gelu_multiply(gate, [Float](repeating: 1, count: 8), &out, 8)
        #expect(out[0...5] == [1e30, 100, 0, 0, 0, 0] && out[6] == .infinity && out[7].isNaN)
    }

    @Test("A soft cap is c · tanh(x / c), in place and in bounds", arguments: InstructionSet.available, [Float(0.5), 2, 30, 50])
    func softCap(set: InstructionSet, cap: Float) throws {
        let kernels = try set.kernels()
        var generator = KernelTestGenerator(seed: 101)
        let values = generator.floats(500, in: -4 * cap...4 * cap) + [0, 1e30, -1e30, .infinity, -.infinity]
        for size in Array(1...40) + [values.count] {
            let memory = try GuardedMemory(Array(values.suffix(size)))
            kernels.soft_cap(memory.floats, size, cap)
            for (result, value) in zip(memory.floatArray(), values.suffix(size)) {
                #expect(abs(Double(result) - Double(cap) * tanh(Double(value) / Double(cap))) <= 3e-7 * Double(cap))
            }
        }
    }
}
