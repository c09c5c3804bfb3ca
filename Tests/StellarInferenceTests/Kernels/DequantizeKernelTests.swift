import CStellarKernels
import Testing

@Suite("Dequantising kernels")
struct DequantizeKernelTests {
    @Test("Values are those of the format's definition, bit for bit", arguments: InstructionSet.available, StorageKind.all)
    func exactValues(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        for inputs in kind.blockElements == 32 ? [32, 320] : [1, 13, 16, 47, 320] {
            let matrix = StoredMatrix(kind, outputs: 64, inputs: inputs, seed: UInt64(inputs))
            let expected = (0..<64).flatMap { row in (0..<inputs).map { matrix.value(row, $0) } }
            #expect(bitPatterns(matrix.dequantized(kernels)) == bitPatterns(expected))
        }
    }

    @Test("Every finite scale gives the defined values", arguments: InstructionSet.available, [StorageKind.q40, .q41, .q80])
    func everyScale(set: InstructionSet, kind: StorageKind) throws {
        let kernels = try set.kernels()
        let scales = (0...UInt16.max).filter { $0 & 0x7c00 != 0x7c00 }
        var matrix = StoredMatrix(kind, outputs: 1, inputs: scales.count * 32, seed: 41)
        for (block, scale) in scales.enumerated() {
            let start = block * kind.blockBytes
            (matrix.bytes[start], matrix.bytes[start + 1]) = (UInt8(scale & 255), UInt8(scale >> 8))
        }
        let values = matrix.dequantized(kernels)
        let wrong = values.indices.filter { values[$0].bitPattern != matrix.value(0, $0).bitPattern }
        #expect(wrong.isEmpty, "\(wrong.count) values differ, the first at \(wrong.first ?? -1)")
    }

    @Test("Sizes of the kinds are those of the format")
    func sizes() {
        for kind in StorageKind.all {
            #expect(stellar_type_block_bytes(kind.type) == kind.blockBytes)
            #expect(stellar_type_block_elements(kind.type) == kind.blockElements)
            #expect(stellar_type_supported(kind.type))
        }
        for id: UInt32 in [4, 6, 10, 14, 29, 31, 255, .max] { #expect(!stellar_type_supported(stellar_type(id))) }
    }
}
