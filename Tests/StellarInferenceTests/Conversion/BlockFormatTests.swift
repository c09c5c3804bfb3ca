import CStellarKernels
import Foundation
import StellarInference
import Testing

@Suite("Block formats against the gguf package")
struct BlockFormatTests {
    /// One type's blocks and values, as Tests/reference/dequantize_fixtures.py writes them.
    private struct Blocks: Decodable {
        var type: String
        var number: UInt32
        var blocks: String
        var values: String
    }

    private struct Rows: Decodable {
        var rows: String
        var blocks: [String: String]
    }

    private func fixture<Document: Decodable>(_ name: String, as type: Document.Type) throws -> Document {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/dequantize/\(name)", withExtension: "json"))
        return try JSONDecoder().decode(type, from: Data(contentsOf: url))
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private func floats(_ hex: String) -> [Float] {
        let bytes = bytes(hex)
        return stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
        }
    }

    private func expand(_ type: TensorType, _ blocks: [UInt8], count: Int) -> [Float] {
        var values = [Float](repeating: .nan, count: count)
        if stellar_expandable(type.rawValue) {
            stellar_expand(type.rawValue, blocks, &values, count)
        } else {
            stellar_kernels_active().pointee.dequantize(stellar_type(rawValue: type.rawValue), blocks, &values, count)
        }
        return values
    }

    @Test("every type has the same values bit for bit, extreme codes and scales included")
    func values() throws {
        let fixtures = try fixture("blocks", as: [Blocks].self)
        #expect(fixtures.count == 16)
        for fixture in fixtures {
            let type = try #require(TensorType(rawValue: fixture.number))
            #expect(type.name == fixture.type && type.isRunnable)
            let expected = floats(fixture.values)
            let blocks = bytes(fixture.blocks)
            #expect(blocks.count == type.byteCount(of: expected.count))
            let values = expand(type, blocks, count: expected.count)
            let wrong = values.indices.first { values[$0].bitPattern != expected[$0].bitPattern }
            #expect(wrong == nil, "\(fixture.type) differs at element \(wrong ?? -1)")
        }
    }

    @Test("quantising gives the same bytes")
    func quantisedBytes() throws {
        let fixture = try fixture("rows", as: Rows.self)
        let rows = floats(fixture.rows)
        for (name, hex) in fixture.blocks {
            let type = try #require(TensorType.allCases.first { $0.name == name })
            var blocks = [UInt8](repeating: 0xAA, count: type.byteCount(of: rows.count))
            stellar_quantize(type.rawValue, rows, &blocks, rows.count)
            #expect(blocks == bytes(hex), "\(name)")
        }
    }

    @Test("blocks of 256 are close to the numbers", arguments: [(TensorType.q4_K, 0.1), (.q6_K, 0.03)])
    func searchedScales(type: TensorType, bound: Double) {
        var generator = SeededGenerator(seed: 5)
        for offset in [Float(0), 0.5, -2] {
            let values = (0..<4096).map { _ in offset + (0..<4).reduce(0) { sum, _ in sum + Float.random(in: -1...1, using: &generator) } }
            var blocks = [UInt8](repeating: 0, count: type.byteCount(of: values.count))
            stellar_quantize(type.rawValue, values, &blocks, values.count)
            let restored = expand(type, blocks, count: values.count)
            let error = zip(values, restored).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            let power = values.reduce(0) { $0 + Double($1 * $1) }
            #expect((error / power).squareRoot() < bound, "\(type.name) around \(offset)")
        }
        for constant in [Float(0), 1, -1, 1e-30] {
            var blocks = [UInt8](repeating: 0xAA, count: type.blockBytes)
            stellar_quantize(type.rawValue, [Float](repeating: constant, count: 256), &blocks, 256)
            let tolerance = max(1e-6, abs(constant) * 0.01)
            #expect(expand(type, blocks, count: 256).allSatisfy { abs($0 - constant) <= tolerance }, "\(type.name) of \(constant)")
        }
    }

    @Test("types that are not known are left alone")
    func unknownTypes() {
        #expect(!stellar_expandable(TensorType.iq2_XXS.rawValue) && !stellar_quantizable(9_999))
        var value = Float(7)
        stellar_expand(9_999, [0], &value, 1)
        #expect(value == 7)
        #expect(!TensorType.iq1_S.isRunnable)
    }
}
