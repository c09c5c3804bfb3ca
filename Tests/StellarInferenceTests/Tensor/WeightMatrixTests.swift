import CStellarKernels
import StellarInference
import Testing

@Suite("FP32 weights are held as halves where that loses nothing")
struct WeightMatrixTests {
    private static let (outputs, inputs) = (70, 133)

    private static func packed(_ values: [Float]) throws -> WeightMatrix {
        let file = try #require(values.withUnsafeBytes { GuardedBytes($0) })
        let base = try #require(file.buffer.baseAddress)
        let pool = ComputePool(workerCount: 2)
        defer { pool.stop() }
        return try WeightMatrix(outputs: outputs, inputs: inputs, type: .f32, base: base, owner: file)
            .packed(as: .f32, arena: WeightArena(), pool: pool, name: "test")
    }

    private static func numbers(_ round: (Float) -> Float) -> [Float] {
        var generator = KernelTestGenerator(seed: 7)
        return generator.floats(outputs * inputs, in: -2...2).map(round)
    }

    private static func bf16(_ value: Float) -> Float { Float(bitPattern: value.bitPattern & 0xffff_0000) }
    private static func f16(_ value: Float) -> Float { Float(Float16(value)) }

    /// What the packing of F16 numbers is here.
    private static var f16Packing: WeightPacking { stellar_kernels_active().pointee.isa == STELLAR_ISA_SCALAR ? .f32 : .f16 }

    @Test("numbers of BF16, of F16 and of neither: every bit of the weights and of the products is the same")
    func products() throws {
        var bf16 = Self.numbers(Self.bf16)
        // Not F16 numbers: too small, too great, infinite.
        bf16.replaceSubrange(5..<8, with: [0x1p-130, 0x1p100, -.infinity])
        var f16 = Self.numbers(Self.f16)
        // Not a normal F16 number, the greatest, and zeros of both signs.
        f16.replaceSubrange(5..<9, with: [0x1p-24, 65_504, 0, -0.0])
        for (values, packing) in [(bf16, .bf16), (f16, Self.f16Packing), (Self.numbers { $0 }, .f32)] {
            let matrix = try Self.packed(values)
            #expect(matrix.packing == packing && matrix.type == .f32 && matrix.values.isFullPrecision)
            var expanded = [Float](repeating: .nan, count: values.count)
            matrix.expand(0..<Self.outputs, into: &expanded)
            #expect(bitPatterns(expanded) == bitPatterns(values))
            for rows in [1, 3, 40] {
                var generator = KernelTestGenerator(seed: UInt64(rows))
                let x = generator.floats(rows * Self.inputs)
                var y = [Float](repeating: .nan, count: rows * Self.outputs)
                matrix.values.multiply(0..<Self.outputs, x: x, ldx: Self.inputs, rows: rows, y: &y, ldy: Self.outputs)
                let expected = (0..<rows * Self.outputs).map { place in
                    let (row, output) = (place / Self.outputs * Self.inputs, place % Self.outputs * Self.inputs)
                    return (0..<Self.inputs).reduce(Float(0)) { $0.addingProduct(values[output + $1], x[row + $1]) }
                }
                #expect(bitPatterns(y) == bitPatterns(expected), "\(packing), \(rows) rows")
            }
        }
    }

    @Test("one number that is no half keeps a matrix as it is", arguments: [0, 132, 133 * 35 + 1, 133 * 70 - 1])
    func oneNumber(place: Int) throws {
        for round in [Self.bf16, Self.f16] {
            var values = Self.numbers(round)
            values[place] = 1 + 0x1p-20
            let matrix = try Self.packed(values)
            #expect(matrix.packing == .f32)
            var expanded = [Float](repeating: .nan, count: values.count)
            matrix.expand(0..<Self.outputs, into: &expanded)
            #expect(expanded == values)
        }
    }
}
