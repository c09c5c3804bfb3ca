import CStellarKernels
import Testing

@Suite("Matrix product kernels")
struct MatmulKernelTests {
    /// y = W x for every row of x, through one call.
    private func product(
        _ kernels: stellar_kernels,
        _ type: stellar_type,
        _ weights: UnsafeRawPointer,
        rowBytes: Int,
        outputs: Int,
        inputs: Int,
        x: [Float],
        rows: Int
    ) -> [Float] {
        var y = [Float](repeating: .nan, count: rows * outputs)
        kernels.matmul(type, weights, rowBytes, outputs, inputs, x, inputs, rows, &y, outputs)
        return y
    }

    private func product(_ kernels: stellar_kernels, _ matrix: StoredMatrix, x: [Float], rows: Int) -> [Float] {
        product(
            kernels,
            matrix.kind.type,
            matrix.bytes,
            rowBytes: matrix.rowBytes,
            outputs: matrix.outputs,
            inputs: matrix.inputs,
            x: x,
            rows: rows
        )
    }

    private func inputSizes(_ kind: StorageKind) -> [Int] {
        kind.blockElements == 32 ? [32, 64, 96, 576] : [1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 100, 576]
    }

    @Test("Products are as exact as the sum of their roundings allows", arguments: InstructionSet.available, StorageKind.all)
    func accuracy(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for inputs in inputSizes(kind) {
            for (outputs, rows) in [(1, 1), (9, 1), (7, 2), (13, 3), (11, 4), (29, 5), (31, 18)] {
                let matrix = StoredMatrix(kind, outputs: outputs, inputs: inputs, seed: UInt64(inputs + outputs))
                var generator = KernelTestGenerator(seed: UInt64(rows))
                let x = generator.floats(rows * inputs, in: -3...3)
                let y = product(kernels, matrix, x: x, rows: rows)
                for row in 0..<rows {
                    for output in 0..<outputs {
                        let terms = (0..<inputs).map { Double(matrix.value(output, $0)) * Double(x[row * inputs + $0]) }
                        let bound = accumulatedError(inputs + 1) * terms.reduce(0) { $0 + abs($1) }
                        let error = abs(Double(y[row * outputs + output]) - terms.reduce(0, +))
                        #expect(error <= bound, "inputs \(inputs), outputs \(outputs), rows \(rows), at row \(row), output \(output)")
                    }
                }
            }
        }
    }

    @Test("A result does not depend on the rows and outputs that share the call", arguments: InstructionSet.available, StorageKind.all)
    func batchInvariance(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for inputs in kind.blockElements == 32 ? [32, 160] : [5, 16, 37, 160] {
            let matrix = StoredMatrix(kind, outputs: 53, inputs: inputs, seed: 7)
            var generator = KernelTestGenerator(seed: 11)
            let x = generator.floats(41 * inputs)
            let whole = product(kernels, matrix, x: x, rows: 41)
            for rows in 1...18 {
                for outputs in [1, 2, 5, 6, 7, 8, 23, 24, 25, 53] {
                    let firstRow = 41 - rows
                    let firstOutput = 53 - outputs
                    let part = matrix.bytes.withUnsafeBytes { bytes -> [Float] in
                        guard let base = bytes.baseAddress else { return [] }
                        return product(
                            kernels,
                            kind.type,
                            base + firstOutput * matrix.rowBytes,
                            rowBytes: matrix.rowBytes,
                            outputs: outputs,
                            inputs: inputs,
                            x: Array(x[(firstRow * inputs)...]),
                            rows: rows
                        )
                    }
                    var expected: [Float] = []
                    for row in firstRow..<41 { expected += whole[(row * 53 + firstOutput)..<((row + 1) * 53)] }
                    #expect(bitPatterns(part) == bitPatterns(expected), "inputs \(inputs), rows \(rows), outputs \(outputs)")
                }
            }
        }
    }

    @Test("A result is the same when rows are walked in cache-sized groups", arguments: InstructionSet.vector, [StorageKind.f32, .q41])
    func manyRows(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        let inputs = 4096  // 32 rows fill the part of the cache that a group may take
        let rows = 75
        let matrix = StoredMatrix(kind, outputs: 26, inputs: inputs, seed: 3)
        var generator = KernelTestGenerator(seed: 5)
        let x = generator.floats(rows * inputs)
        let whole = product(kernels, matrix, x: x, rows: rows)
        for row in [0, 3, 27, 31, 32, 63, 74] {
            let alone = product(kernels, matrix, x: Array(x[(row * inputs)..<((row + 1) * inputs)]), rows: 1)
            #expect(bitPatterns(alone) == bitPatterns(Array(whole[(row * 26)..<((row + 1) * 26)])), "row \(row)")
        }
    }

    @Test("Stored weights give the bits that their F32 values give", arguments: InstructionSet.available, StorageKind.all)
    func sameAsDequantized(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for inputs in kind.blockElements == 32 ? [32, 288] : [1, 19, 48, 288] {
            let matrix = StoredMatrix(kind, outputs: 27, inputs: inputs, seed: 23)
            let plain = matrix.dequantized(kernels)
            var generator = KernelTestGenerator(seed: 29)
            for rows in [1, 2, 3, 4, 5, 16] {
                let x = generator.floats(rows * inputs)
                let expected = product(
                    kernels,
                    STELLAR_TYPE_F32,
                    plain,
                    rowBytes: inputs * 4,
                    outputs: 27,
                    inputs: inputs,
                    x: x,
                    rows: rows
                )
                #expect(bitPatterns(product(kernels, matrix, x: x, rows: rows)) == bitPatterns(expected), "inputs \(inputs), rows \(rows)")
            }
        }
    }

    @Test("Strides leave what lies between the rows alone", arguments: InstructionSet.available)
    func strides(set: InstructionSet) throws {
        let kernels = try set.kernels()
        let weights: [Float] = [1, 2, 99, 3, 4, 99]
        let x: [Float] = [5, 6, .nan, .nan, 7, 8, .nan, .nan]
        var y = [Float](repeating: -1, count: 6)
        kernels.matmul(STELLAR_TYPE_F32, weights, 12, 2, 2, x, 4, 2, &y, 3)
        #expect(y == [17, 39, -1, 23, 53, -1])
    }

    @Test("Empty sizes write nothing, no inputs give zeros", arguments: InstructionSet.available)
    func emptySizes(set: InstructionSet) throws {
        let kernels = try set.kernels()
        let some = [Float](repeating: 1, count: 64)
        for (outputs, rows) in [(0, 3), (3, 0), (0, 0)] {
            var y = [Float](repeating: -1, count: 9)
            kernels.matmul(STELLAR_TYPE_F32, some, 16, outputs, 4, some, 4, rows, &y, 3)
            #expect(y == [Float](repeating: -1, count: 9))
        }
        for kind in StorageKind.all {
            var y = [Float](repeating: -1, count: 18)
            kernels.matmul(kind.type, some, 0, 3, 0, some, 0, 6, &y, 3)
            #expect(y == [Float](repeating: 0, count: 18))
        }
    }

    @Test("Nothing beyond the buffers is touched", arguments: InstructionSet.available, StorageKind.all)
    func bounds(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for inputs in kind.blockElements == 32 ? [32, 64] : [1, 7, 15, 17, 31, 33] {
            for (outputs, rows) in [(1, 1), (9, 1), (5, 3), (7, 4), (27, 6)] {
                let matrix = StoredMatrix(kind, outputs: outputs, inputs: inputs, seed: 31)
                var generator = KernelTestGenerator(seed: 37)
                let values = generator.floats(rows * inputs)
                let weights = try GuardedMemory(matrix.bytes)
                let x = try GuardedMemory(values)
                let y = try GuardedMemory(count: rows * outputs * 4)
                kernels.matmul(kind.type, weights.start, matrix.rowBytes, outputs, inputs, x.floats, inputs, rows, y.floats, outputs)
                #expect(bitPatterns(y.floatArray()) == bitPatterns(product(kernels, matrix, x: values, rows: rows)))
                let expanded = try GuardedMemory(count: outputs * inputs * 4)
                kernels.dequantize(kind.type, weights.start, expanded.floats, outputs * inputs)
                #expect(bitPatterns(expanded.floatArray()) == bitPatterns(matrix.dequantized(kernels)))
            }
        }
    }

    @Test("Infinite and denormal scales come through", arguments: InstructionSet.available)
    func extremeScales(set: InstructionSet) throws {
        let kernels = try set.kernels()
        var matrix = StoredMatrix(.q80, outputs: 1, inputs: 32, seed: 1)
        matrix.bytes = [0x00, 0x7c] + [UInt8](repeating: 1, count: 32)  // d = infinity
        let ones = [Float](repeating: 1, count: 32)
        #expect(product(kernels, matrix, x: ones, rows: 1) == [.infinity])
        matrix.bytes = [0x01, 0x00] + [UInt8](repeating: 1, count: 32)  // d = 2^-24, the smallest denormal
        #expect(product(kernels, matrix, x: ones, rows: 1) == [0x1p-19])
        matrix.bytes = [0xff, 0x7b] + [UInt8](repeating: 127, count: 32)  // d = 65504
        #expect(product(kernels, matrix, x: ones, rows: 1) == [65504 * 127 * 32])
        let tiny = [Float](repeating: .leastNonzeroMagnitude, count: 32)
        matrix.bytes = [0x00, 0x3c] + [UInt8](repeating: 2, count: 32)  // d = 1: denormal activations are not flushed
        #expect(product(kernels, matrix, x: tiny, rows: 1) == [64 * .leastNonzeroMagnitude])
    }
}
