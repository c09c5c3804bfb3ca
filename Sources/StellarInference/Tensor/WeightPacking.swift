import CStellarKernels

/// How a matrix is arranged for the product kernels: see `stellar_packed.h`.
package enum WeightPacking: UInt32, Sendable {
    case f32 = 0
    case f16 = 1
    case bf16 = 2
    /// BF16, multiplied with activations rounded to BF16.
    case bf16Pairs = 3
    case q8x0 = 4
    case q4x0 = 5
    case q4x1 = 6
    case q4K = 7
    case q6K = 8

    /// The packing that keeps the values of weights of a type, or comes nearest to them in no more memory than it must.
    ///
    /// Types without kernels of their own become F16, whose rounding (2⁻¹¹) is far below their own.
    init(for type: TensorType) {
        switch type {
        case .f32: self = .f32
        case .bf16: self = .bf16
        case .q8_0: self = .q8x0
        case .q4_0: self = .q4x0
        case .q4_1: self = .q4x1
        case .q4_K: self = .q4K
        case .q6_K: self = .q6K
        default: self = Kernels.convertsHalvesInHardware ? .f16 : .f32
        }
    }

    var kernelPacking: stellar_packing { stellar_packing(rawValue) }

    /// The form in which its kernels read activations.
    var input: InputForm { InputForm(stellar_packing_input(kernelPacking)) }

    /// Whether it is made from a tensor's blocks as they are; else from values.
    var isQuantised: Bool { rawValue >= Self.q8x0.rawValue }

    /// Outputs that lie together in memory: threads share a product in multiples of this.
    static let panelOutputs = Int(stellar_panel_outputs)

    func byteCount(outputs: Int, inputs: Int) -> Int {
        stellar_packed_bytes(kernelPacking, outputs, inputs)
    }

    /// Bytes from the start of a matrix to an output, a multiple of ``panelOutputs``.
    func offset(ofOutput output: Int, inputs: Int) -> Int {
        output / stellar_packing_group_outputs(kernelPacking) * stellar_packing_group_bytes(kernelPacking, inputs)
    }
}

/// What kernels read as activations.
enum InputForm: Sendable {
    case floats
    case halves
    case blocks

    init(_ input: stellar_input) {
        switch input {
        case STELLAR_INPUT_BLOCKS: self = .blocks
        case STELLAR_INPUT_BF16: self = .halves
        default: self = .floats
        }
    }

    /// Bytes of a row.
    func rowBytes(inputs: Int) -> Int {
        switch self {
        case .floats: inputs * 4
        case .halves: (inputs + 1) / 2 * 4
        case .blocks: inputs / 32 * MemoryLayout<stellar_input_block>.stride
        }
    }

    /// Writes one row in this form. Nothing to do for floats.
    func write(_ x: UnsafePointer<Float>, inputs: Int, to target: UnsafeMutableRawPointer) {
        switch self {
        case .floats: break
        case .halves:
            let halves = target.assumingMemoryBound(to: UInt16.self)
            Kernels.table.f32_to_bf16(x, halves, inputs)
            if inputs % 2 == 1 { halves[inputs] = 0 }
        case .blocks: Kernels.table.quantize(x, target.assumingMemoryBound(to: stellar_input_block.self), inputs)
        }
    }
}

/// Rows of activations in the forms that the kernels of some matrices read: prepared once, read by all workers.
struct PreparedInput: Sendable {
    private let halves: Buffer<UInt8>
    private let blocks: Buffer<UInt8>

    /// - Throws: ``InferenceError`` `outOfMemory`.
    init(rows: Int, longestInput: Int) throws(InferenceError) {
        let purpose = "activations of reduced precision"
        halves = try Buffer(count: rows * InputForm.halves.rowBytes(inputs: longestInput), purpose: purpose)
        blocks = try Buffer(count: rows * InputForm.blocks.rowBytes(inputs: (longestInput + 31) / 32 * 32), purpose: purpose)
    }

    /// Where the rows of a form begin; they are contiguous. Not for floats.
    func base(_ form: InputForm) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(form == .blocks ? blocks.base : halves.base)
    }
}
