import CStellarKernels
import Foundation
import Testing

/// An instruction set that this machine can run, with or without an extension of it.
struct InstructionSet: Sendable, CustomTestStringConvertible {
    /// Among all that this machine has, best first.
    private let index: Int
    let isa: UInt32
    let testDescription: String

    /// The reference first, the best last.
    static let available = (0..<stellar_kernels_available(nil, 0)).reversed().compactMap(InstructionSet.init(index:))

    static let scalar = available[0]

    /// Those that are not the reference.
    static let vector = available.dropFirst()

    private init?(index: Int) {
        guard let kernels = Self.table(index)?.pointee else { return nil }
        self.index = index
        isa = kernels.isa.rawValue
        var description = String(cString: stellar_isa_name(kernels.isa))
        if kernels.word_inputs { description += ", words" }
        if kernels.bf16_pairs { description += ", BF16 pairs" }
        testDescription = "\(index): \(description)"
    }

    func kernels() throws -> stellar_kernels {
        try #require(Self.table(index)).pointee
    }

    private static func table(_ index: Int) -> UnsafePointer<stellar_kernels>? {
        var tables = [UnsafePointer<stellar_kernels>?](repeating: nil, count: index + 1)
        stellar_kernels_available(&tables, tables.count)
        return tables[index]
    }
}

/// A storage kind of weights.
struct StorageKind: Sendable, CustomTestStringConvertible {
    let id: UInt32
    let testDescription: String

    static let f32 = StorageKind(id: 0, testDescription: "F32")
    static let f16 = StorageKind(id: 1, testDescription: "F16")
    static let q40 = StorageKind(id: 2, testDescription: "Q4_0")
    static let q41 = StorageKind(id: 3, testDescription: "Q4_1")
    static let q80 = StorageKind(id: 8, testDescription: "Q8_0")
    static let bf16 = StorageKind(id: 30, testDescription: "BF16")
    static let q4K = StorageKind(id: 12, testDescription: "Q4_K")
    static let q6K = StorageKind(id: 14, testDescription: "Q6_K")
    static let all = [f32, f16, bf16, q40, q41, q80]
    /// Those that are multiplied as numbers of few bits.
    static let quantised = [q40, q41, q80, q4K, q6K]
    static let plain = [f32, f16, bf16]
    static let packable = plain + quantised

    var type: stellar_type { stellar_type(id) }
    var blockElements: Int {
        switch id {
        case 2, 3, 8: 32
        case 12, 14: 256
        default: 1
        }
    }

    /// The packing of the kind's own values.
    var packing: stellar_packing {
        switch id {
        case 0: STELLAR_PACKING_F32
        case 1: STELLAR_PACKING_F16
        case 2: STELLAR_PACKING_Q4_0
        case 3: STELLAR_PACKING_Q4_1
        case 8: STELLAR_PACKING_Q8_0
        case 12: STELLAR_PACKING_Q4_K
        case 14: STELLAR_PACKING_Q6_K
        default: STELLAR_PACKING_BF16
        }
    }

    /// The layouts of the file format, written down independently of the library.
    var blockBytes: Int {
        switch id {
        case 0: 4
        case 2: 2 + 16
        case 3: 2 + 2 + 16
        case 8: 2 + 32
        case 12: 2 + 2 + 12 + 128
        case 14: 128 + 64 + 16 + 2
        default: 2
        }
    }
}

/// SplitMix64: the same numbers in every run.
struct KernelTestGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &self) }
    }
}

/// The value of an IEEE 754 binary16 number by its definition.
func halfValue(_ bits: UInt16) -> Double {
    let sign: Double = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(bits >> 10) & 31
    let fraction = Double(bits & 0x3ff)
    if exponent == 31 { return fraction == 0 ? sign * .infinity : .nan }
    if exponent == 0 { return sign * fraction * 0x1p-24 }
    return sign * (1 + fraction / 1024) * exp2(Double(exponent - 15))
}

/// A small weight matrix in its stored form, with its values by the definition of the format.
struct StoredMatrix {
    let kind: StorageKind
    let outputs: Int
    let inputs: Int
    var bytes: [UInt8]

    var rowBytes: Int { inputs / kind.blockElements * kind.blockBytes }

    /// Random finite weights of moderate size.
    init(_ kind: StorageKind, outputs: Int, inputs: Int, seed: UInt64) {
        self.kind = kind
        self.outputs = outputs
        self.inputs = inputs
        bytes = []
        var generator = KernelTestGenerator(seed: seed)
        for _ in 0..<(outputs * inputs / kind.blockElements) { appendBlock(using: &generator) }
    }

    private mutating func appendBlock(using generator: inout KernelTestGenerator) {
        let value = Float.random(in: -2...2, using: &generator)
        let half = { (value: Float) -> [UInt8] in
            let bits = stellar_f32_to_f16(value)
            return [UInt8(bits & 255), UInt8(bits >> 8)]
        }
        switch kind.id {
        case 0: withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        case 1: bytes += half(value)
        case 30: bytes += [UInt8(value.bitPattern >> 16 & 255), UInt8(value.bitPattern >> 24)]
        case 14:
            for _ in 0..<208 { bytes.append(UInt8.random(in: 0...255, using: &generator)) }
            bytes += half(value / 32)
        case 12:
            bytes += half(value / 32) + half(Float.random(in: -2...2, using: &generator) / 32)
            for _ in 0..<140 { bytes.append(UInt8.random(in: 0...255, using: &generator)) }
        default:
            bytes += half(value)
            if kind.id == 3 { bytes += half(Float.random(in: -2...2, using: &generator)) }
            for _ in 0..<(kind.id == 8 ? 32 : 16) { bytes.append(UInt8.random(in: 0...255, using: &generator)) }
        }
    }

    private func half(at offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }

    func value(_ row: Int, _ column: Int) -> Float {
        let block = row * rowBytes + column / kind.blockElements * kind.blockBytes
        let index = column % kind.blockElements
        let nibble = { (at: Int) in Int32(index < 16 ? bytes[at + index] & 15 : bytes[at + index - 16] >> 4) }
        switch kind.id {
        case 0: return Float(bitPattern: UInt32(half(at: block)) | UInt32(half(at: block + 2)) << 16)
        case 1: return Float(halfValue(half(at: block)))
        case 30: return Float(bitPattern: UInt32(half(at: block)) << 16)
        case 2: return Float(halfValue(half(at: block))) * Float(nibble(block + 2) - 8)
        case 3:
            let product = Float(halfValue(half(at: block))) * Float(nibble(block + 4))
            return product + Float(halfValue(half(at: block + 2)))
        case 12: return q4KValue(block, index)
        case 14: return q6KValue(block, index)
        default: return Float(halfValue(half(at: block))) * Float(Int8(bitPattern: bytes[block + 2 + index]))
        }
    }

    /// d, dmin, then eight 6-bit scales and eight minimums in twelve bytes, then pairs of sub-blocks in the halves of 32 bytes.
    private func q4KValue(_ block: Int, _ index: Int) -> Float {
        let part = index / 32
        let codes = bytes[(block + 4)..<(block + 16)].map { Int($0) }
        let (scale, minimum) =
            part < 4
            ? (codes[part] % 64, codes[part + 4] % 64)
            : (codes[part + 4] % 16 + codes[part - 4] / 64 * 16, codes[part + 4] / 16 + codes[part] / 64 * 16)
        let pair = Int(bytes[block + 16 + part / 2 * 32 + index % 32])
        let number = part % 2 == 0 ? pair % 16 : pair / 16
        let (d, dmin) = (Float(halfValue(half(at: block))), Float(halfValue(half(at: block + 2))))
        return d * Float(scale) * Float(number) - dmin * Float(minimum)
    }

    /// Two halves of 128: low four bits of quarters 0 and 1 in the low halves of 64 bytes, of 2 and 3 in the high ones; then high bits.
    private func q6KValue(_ block: Int, _ index: Int) -> Float {
        let (half128, quarter, place) = (index / 128, index % 128 / 32, index % 32)
        let low = Int(bytes[block + half128 * 64 + quarter % 2 * 32 + place])
        let high = Int(bytes[block + 128 + half128 * 32 + place]) >> (2 * quarter) & 3
        let number = (quarter < 2 ? low % 16 : low / 16) + high * 16 - 32
        let scale = Int(Int8(bitPattern: bytes[block + 192 + index / 16]))
        return Float(halfValue(half(at: block + 208))) * Float(scale * number)
    }

    /// All values by the definition of the format.
    var values: [Float] { (0..<outputs).flatMap { row in (0..<inputs).map { value(row, $0) } } }

    /// All values as an F32 matrix.
    func dequantized(_ kernels: stellar_kernels) -> [Float] {
        var values = [Float](repeating: .nan, count: outputs * inputs)
        kernels.dequantize(kind.type, bytes, &values, values.count)
        return values
    }
}

/// Memory that ends at a page without access: one byte too far is a crash.
final class GuardedMemory {
    private let base: UnsafeMutableRawPointer
    private let mapped: Int
    let start: UnsafeMutableRawPointer
    let count: Int

    init(count: Int) throws {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let usable = (count + page - 1) / page * page
        mapped = usable + page
        let map = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        base = try #require(map == MAP_FAILED ? nil : map)
        try #require(mprotect(base + usable, page, PROT_NONE) == 0)
        start = base + (usable - count)
        self.count = count
    }

    convenience init<Element>(_ elements: [Element]) throws {
        try self.init(count: elements.count * MemoryLayout<Element>.stride)
        elements.withUnsafeBytes { start.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(start), byteCount: $0.count) }
    }

    deinit { munmap(base, mapped) }

    var floats: UnsafeMutablePointer<Float> { start.assumingMemoryBound(to: Float.self) }
    var halves: UnsafeMutablePointer<UInt16> { start.assumingMemoryBound(to: UInt16.self) }
    func floatArray() -> [Float] { Array(UnsafeBufferPointer(start: floats, count: count / 4)) }
}

/// Half a unit in the last place of 1: the relative error of one rounding to Float.
let unitRoundoff = 0x1p-24

/// Bound of the relative error of `roundings` roundings in a row (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
func accumulatedError(_ roundings: Int) -> Double {
    let product = Double(roundings) * unitRoundoff
    return product / (1 - product)
}

func bitPatterns(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
