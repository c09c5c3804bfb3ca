import CStellarKernels
import Testing

@Suite("Products with packed weights")
struct ProductKernelTests {
    private static func inputSizes(_ kind: StorageKind) -> [Int] {
        switch kind.blockElements {
        case 1: [1, 3, 8, 15, 16, 17, 33, 100, 576]
        case 32: [32, 64, 96, 576]
        default: [256, 768]
        }
    }

    /// Random activations, of which some are far greater than the others.
    private static func activations(_ generator: inout KernelTestGenerator, _ count: Int) -> [Float] {
        generator.floats(count, in: -3...3).enumerated().map { $0 % 37 == 5 ? $1 * 50 : $1 }
    }

    private static let shapes = [(1, 1), (9, 1), (16, 2), (7, 3), (17, 4), (33, 6), (31, 7), (70, 13), (40, 25)]

    @Test("Packing keeps every value, however the work is divided", arguments: StorageKind.packable)
    func values(kind: StorageKind) {
        for inputs in Self.inputSizes(kind) {
            for outputs in [1, 15, 16, 17, 31, 32, 33, 100] {
                let matrix = StoredMatrix(kind, outputs: outputs, inputs: inputs, seed: UInt64(inputs + outputs))
                let packed = PackedMatrix(matrix)
                #expect(bitPatterns(packed.values) == bitPatterns(matrix.values), "\(outputs) × \(inputs)")
                #expect(PackedMatrix(matrix, part: 32).bytes == packed.bytes)
            }
        }
    }

    @Test("All instruction sets give the bits of the plain one", arguments: InstructionSet.vector, StorageKind.packable)
    func sameBits(set: InstructionSet, kind: StorageKind) throws {
        let (kernels, scalar) = (try set.kernels(), try InstructionSet.scalar.kernels())
        for inputs in Self.inputSizes(kind) {
            for (outputs, rows) in Self.shapes {
                let packed = PackedMatrix(StoredMatrix(kind, outputs: outputs, inputs: inputs, seed: UInt64(inputs + outputs)))
                var generator = KernelTestGenerator(seed: UInt64(rows))
                let x = Self.activations(&generator, rows * inputs)
                let y = packed.product(kernels, x: x, rows: rows)
                #expect(bitPatterns(y) == bitPatterns(packed.product(scalar, x: x, rows: rows)), "\(outputs) × \(inputs), \(rows) rows")
            }
        }
    }

    @Test("Products of plain numbers are as exact as the sum of their roundings allows", arguments: StorageKind.plain)
    func plainAccuracy(kind: StorageKind) throws {
        let kernels = try #require(InstructionSet.available.last).kernels()
        for inputs in Self.inputSizes(kind) {
            for (outputs, rows) in Self.shapes {
                let matrix = StoredMatrix(kind, outputs: outputs, inputs: inputs, seed: 5)
                var generator = KernelTestGenerator(seed: UInt64(rows))
                let x = Self.activations(&generator, rows * inputs)
                let y = PackedMatrix(matrix).product(kernels, x: x, rows: rows)
                for row in 0..<rows {
                    for output in 0..<outputs {
                        let terms = (0..<inputs).map { Double(matrix.value(output, $0)) * Double(x[row * inputs + $0]) }
                        let bound = accumulatedError(inputs) * terms.reduce(0) { $0 + abs($1) }
                        #expect(abs(Double(y[row * outputs + output]) - terms.reduce(0, +)) <= bound, "\(inputs), \(row), \(output)")
                    }
                }
            }
        }
    }

    /// With the activations that the blocks stand for, only the sum over blocks rounds: the scale, the product and, for the minimum, as much
    /// again; the bound is on the sum of all magnitudes, those of a number and its minimum apart.
    @Test("Products of quantised numbers err by the roundings of their blocks alone", arguments: StorageKind.quantised)
    func quantisedAccuracy(kind: StorageKind) throws {
        let kernels = try #require(InstructionSet.available.last).kernels()
        for inputs in Self.inputSizes(kind) {
            let (outputs, rows) = (21, 3)
            let matrix = StoredMatrix(kind, outputs: outputs, inputs: inputs, seed: 9)
            var generator = KernelTestGenerator(seed: 3)
            let x = Self.activations(&generator, rows * inputs)
            let y = PackedMatrix(matrix).product(kernels, x: x, rows: rows)
            for row in 0..<rows {
                let represented = PackedMatrix.representedInput(kernels, x: Array(x[(row * inputs)..<((row + 1) * inputs)]))
                for output in 0..<outputs {
                    let terms = (0..<inputs).map { Double(matrix.value(output, $0)) * represented[$0] }
                    // |number| + |minimum| of a weight is below 2 · 16 / 15 of the greatest magnitude in its block, or 4 · 2 at most here.
                    let magnitudes = represented.reduce(0) { $0 + abs($1) * 64 }
                    let bound = accumulatedError(2 * inputs / 32 + 4) * magnitudes
                    #expect(abs(Double(y[row * outputs + output]) - terms.reduce(0, +)) <= bound, "\(inputs), \(row), \(output)")
                }
            }
        }
    }

    @Test("BF16 pairs differ from exact sums by the roundings of activations and sum", arguments: InstructionSet.available)
    func pairs(set: InstructionSet) throws {
        let kernels = try set.kernels()
        guard kernels.bf16_pairs else { return }
        for inputs in Self.inputSizes(.bf16) {
            for (outputs, rows) in Self.shapes {
                let matrix = StoredMatrix(.bf16, outputs: outputs, inputs: inputs, seed: 77)
                var generator = KernelTestGenerator(seed: UInt64(rows))
                let x = Self.activations(&generator, rows * inputs)
                let packed = PackedMatrix(matrix, as: STELLAR_PACKING_BF16_PAIRS)
                #expect(bitPatterns(packed.values) == bitPatterns(matrix.values))
                let y = packed.product(kernels, x: x, rows: rows)
                for row in 0..<rows {
                    for output in 0..<outputs {
                        let terms = (0..<inputs).map { Double(matrix.value(output, $0)) * Double(x[row * inputs + $0]) }
                        let bound = (0x1p-8 + accumulatedError(inputs + 2)) * terms.reduce(0) { $0 + abs($1) }
                        #expect(abs(Double(y[row * outputs + output]) - terms.reduce(0, +)) <= bound, "\(inputs), \(row), \(output)")
                    }
                }
            }
        }
    }

    @Test("A result does not depend on the rows and outputs that share the call", arguments: InstructionSet.available, StorageKind.packable)
    func invariance(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        let packings = kind.id == 30 && kernels.bf16_pairs ? [kind.packing, STELLAR_PACKING_BF16_PAIRS] : [kind.packing]
        for packing in packings {
            let inputs = max(160, kind.blockElements)
            let packed = PackedMatrix(StoredMatrix(kind, outputs: 85, inputs: inputs, seed: 7), as: packing)
            var generator = KernelTestGenerator(seed: 11)
            let x = Self.activations(&generator, 29 * inputs)
            let whole = packed.product(kernels, x: x, rows: 29)
            for rows in [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 16, 18, 28] {
                for (first, count) in [(0, 85), (32, 53), (64, 21), (32, 1), (0, 16), (0, 17), (64, 5)] {
                    let firstRow = 29 - rows
                    let part = packed.product(kernels, x: Array(x[(firstRow * inputs)...]), rows: rows, first: first, count: count)
                    var expected: [Float] = []
                    for row in firstRow..<29 { expected += whole[(row * 85 + first)..<(row * 85 + first + count)] }
                    #expect(bitPatterns(part) == bitPatterns(expected), "rows \(rows), outputs \(first)+\(count)")
                }
            }
        }
    }

    @Test("A result is the same when rows are walked in cache-sized portions", arguments: InstructionSet.vector, [StorageKind.f32, .q41])
    func manyRows(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        let (inputs, rows) = (4_096, 130)
        let packed = PackedMatrix(StoredMatrix(kind, outputs: 33, inputs: inputs, seed: 3))
        var generator = KernelTestGenerator(seed: 5)
        let x = generator.floats(rows * inputs)
        let whole = packed.product(kernels, x: x, rows: rows)
        for row in [0, 3, 27, 31, 32, 63, 84, 85, 129] {
            let alone = packed.product(kernels, x: Array(x[(row * inputs)..<((row + 1) * inputs)]), rows: 1)
            #expect(bitPatterns(alone) == bitPatterns(Array(whole[(row * 33)..<((row + 1) * 33)])), "row \(row)")
        }
    }

    @Test("Nothing beyond the buffers is touched", arguments: InstructionSet.available, StorageKind.packable)
    func bounds(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for inputs in Self.inputSizes(kind).prefix(7) {
            for (outputs, rows) in [(1, 1), (9, 1), (17, 3), (33, 5), (47, 14)] {
                let packed = PackedMatrix(StoredMatrix(kind, outputs: outputs, inputs: inputs, seed: 31))
                var generator = KernelTestGenerator(seed: 37)
                let values = generator.floats(rows * inputs)
                let form = stellar_packing_input(packed.packing)
                let weights = try GuardedMemory(packed.bytes)
                let x = try GuardedMemory(PackedMatrix.input(kernels, form, x: values, rows: rows, inputs: inputs))
                let y = try GuardedMemory(count: rows * outputs * 4)
                var product = stellar_product(
                    packing: packed.packing,
                    weights: weights.start,
                    outputs: outputs,
                    inputs: inputs,
                    x: x.start,
                    row_bytes: stellar_input_row_bytes(form, inputs),
                    rows: rows,
                    y: y.floats,
                    ldy: outputs
                )
                kernels.product(&product)
                #expect(bitPatterns(y.floatArray()) == bitPatterns(packed.product(kernels, x: values, rows: rows)))
            }
        }
    }

    @Test("Empty sizes write nothing, no inputs give zeros", arguments: InstructionSet.available, StorageKind.packable)
    func emptySizes(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        let some = [Float](repeating: 1, count: 8_192)
        for (outputs, inputs, rows) in [(0, 256, 3), (3, 256, 0), (0, 0, 0), (3, 0, 6)] {
            var y = [Float](repeating: -1, count: 18)
            y.withUnsafeMutableBufferPointer { y in
                some.withUnsafeBytes { some in
                    var product = stellar_product(
                        packing: kind.packing,
                        weights: some.baseAddress,
                        outputs: outputs,
                        inputs: inputs,
                        x: some.baseAddress,
                        row_bytes: stellar_input_row_bytes(stellar_packing_input(kind.packing), inputs),
                        rows: rows,
                        y: y.baseAddress,
                        ldy: 3
                    )
                    kernels.product(&product)
                }
            }
            #expect(y == [Float](repeating: inputs == 0 && rows == 6 ? 0 : -1, count: 18))
        }
    }

    @Test("Greatest numbers, infinite and denormal scales come through", arguments: InstructionSet.available)
    func extremes(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var matrix = StoredMatrix(.q80, outputs: 1, inputs: 32, seed: 1)
        let ones = [Float](repeating: 1, count: 32)
        let product = { (matrix: StoredMatrix, x: [Float]) in PackedMatrix(matrix).product(kernels, x: x, rows: 1) }
        matrix.bytes = [0x00, 0x7c] + [UInt8](repeating: 1, count: 32)  // d = infinity
        #expect(product(matrix, ones) == [.infinity])
        for code: UInt8 in [0x7f, 0x80, 0x81] {
            matrix.bytes = [0x00, 0x3c] + [UInt8](repeating: code, count: 32)  // d = 1
            #expect(product(matrix, [Float](repeating: 127, count: 32)) == [Float(Int8(bitPattern: code)) * 127 * 32])
            #expect(product(matrix, [Float](repeating: -127, count: 32)) == [Float(Int8(bitPattern: code)) * -127 * 32])
        }
        matrix.bytes = [0x01, 0x00] + [UInt8](repeating: 1, count: 32)  // d = 2^-24, the smallest denormal
        #expect(product(matrix, [Float](repeating: 127, count: 32)) == [127 * 0x1p-19])
        matrix.bytes = [0xff, 0x7b] + [UInt8](repeating: 127, count: 32)  // d = 65504
        #expect(product(matrix, [Float](repeating: 127, count: 32)) == [65504 * 127 * 127 * 32])
        #expect(product(matrix, [Float](repeating: 0, count: 32)) == [0])
        for bad: Float in [.nan, .infinity, -.infinity] {
            let y = product(matrix, [bad] + ones.dropFirst())
            #expect(y.count == 1 && y[0].isNaN)
        }
    }

    @Test("Blocks of activations are what their definition says", arguments: InstructionSet.available)
    func activations(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var generator = KernelTestGenerator(seed: 13)
        var rows = (0..<50).map { _ in generator.floats(32, in: -5...5) }
        rows += [
            [Float](repeating: 0, count: 32), [Float](repeating: -0.25, count: 32), [Float](repeating: 1e-31, count: 32),
            [Float](repeating: .greatestFiniteMagnitude, count: 32), (0..<32).map { Float($0) - 16 },
            [0x1p-99] + [Float](repeating: 0, count: 31),
        ]
        rows.append([300] + rows[0].dropFirst())
        rows.append(Array(rows[1].dropLast()) + [-4_000])
        for x in rows {
            let greatest = x.map(abs).max() ?? 0
            let isTiny = greatest < 0x1p-100
            let numbers = { (most: Float) in x.map { isTiny ? 0 : Int32(($0 * (most / greatest)).rounded(.toNearestOrEven)) } }
            let expected = numbers(8_128)
            let scale = isTiny ? 0 : greatest / 8_128
            let block = PackedMatrix.blocks(kernels, x: x)[0]
            #expect(block.scale == scale)
            #expect(block.sum == scale * Float(expected.reduce(0, +)))
            #expect(block.negative_sum == -expected.reduce(0, +))
            #expect(block.negative_low_sum == -expected.prefix(16).reduce(0, +))
            #expect(PackedMatrix.numbers(kernels, of: block) == expected)
        }
        for bad: Float in [.nan, .infinity, -.infinity] {
            let block = PackedMatrix.blocks(kernels, x: [1, bad] + rows[0].prefix(30))[0]
            #expect(block.scale.isNaN && block.sum.isNaN)
            #expect(block.negative_sum == 0 && block.negative_low_sum == 0)
            #expect(PackedMatrix.numbers(kernels, of: block).allSatisfy { $0 == 0 })
        }
    }

    @Test("A block of activations is the same wherever it stands in a row of any length", arguments: InstructionSet.available)
    func places(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var generator = KernelTestGenerator(seed: 17)
        var samples = (0..<9).map { size in generator.floats(32, in: -1...1).map { $0 * Float(1 << size) } }
        samples += [0, 1e-31, .nan, -.infinity].map { [$0] + [Float](repeating: 0, count: 31) }
        let bytes = { (blocks: [stellar_input_block]) in blocks.map { block in withUnsafeBytes(of: block) { Array($0) } } }
        let alone = samples.map { bytes(PackedMatrix.blocks(kernels, x: $0))[0] }
        for count in 1...40 {
            let places = (0..<count).map { ($0 * 5 + count) % samples.count }
            let row = bytes(PackedMatrix.blocks(kernels, x: places.flatMap { samples[$0] }))
            #expect(row == places.map { alone[$0] })
        }
    }
}
