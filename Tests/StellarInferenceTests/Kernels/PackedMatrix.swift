import CStellarKernels

/// A matrix packed for the product kernels.
struct PackedMatrix {
    let packing: stellar_packing
    let outputs: Int
    let inputs: Int
    let bytes: [UInt8]

    /// - Parameter part: How many outputs are packed by one call: the result must not depend on it.
    init(_ matrix: StoredMatrix, as packing: stellar_packing? = nil, part: Int = 64) {
        let packing = packing ?? matrix.kind.packing
        self.packing = packing
        outputs = matrix.outputs
        inputs = matrix.inputs
        var bytes = [UInt8](repeating: 0xa5, count: stellar_packed_bytes(packing, matrix.outputs, matrix.inputs))
        let isPlain = stellar_packing_input(packing) != STELLAR_INPUT_BLOCKS
        let values = isPlain ? matrix.values : []
        let rowBytes = isPlain ? matrix.inputs * 4 : matrix.rowBytes
        for first in stride(from: 0, to: matrix.outputs, by: part) {
            let count = min(part, matrix.outputs - first)
            let pack = { (source: UnsafeRawBufferPointer) in
                guard let base = source.baseAddress else { return }
                let rows = base + first * rowBytes
                stellar_pack(packing, rows, rowBytes, matrix.outputs, matrix.inputs, first, count, &bytes)
            }
            if isPlain { values.withUnsafeBytes(pack) } else { matrix.bytes.withUnsafeBytes(pack) }
        }
        self.bytes = bytes
    }

    var values: [Float] {
        var values = [Float](repeating: .nan, count: outputs * inputs)
        values.withUnsafeMutableBufferPointer { values in
            guard let base = values.baseAddress else { return }
            for output in 0..<outputs { stellar_unpack(packing, bytes, inputs, output, base + output * inputs) }
        }
        return values
    }

    /// y = W x for all rows of x through one call, for the outputs from `first` on.
    func product(_ kernels: stellar_kernels, x: [Float], rows: Int, first: Int = 0, count: Int? = nil) -> [Float] {
        let count = count ?? outputs - first
        var y = [Float](repeating: .nan, count: rows * count)
        let form = stellar_packing_input(packing)
        let rowBytes = stellar_input_row_bytes(form, inputs)
        let input = Self.input(kernels, form, x: x, rows: rows, inputs: inputs)
        let offset = first / stellar_packing_group_outputs(packing) * stellar_packing_group_bytes(packing, inputs)
        input.withUnsafeBytes { input in
            bytes.withUnsafeBytes { weights in
                y.withUnsafeMutableBufferPointer { y in
                    var product = stellar_product(
                        packing: packing,
                        weights: weights.baseAddress.map { $0 + offset },
                        outputs: count,
                        inputs: inputs,
                        x: input.baseAddress,
                        row_bytes: rowBytes,
                        rows: rows,
                        y: y.baseAddress,
                        ldy: count
                    )
                    kernels.product(&product)
                }
            }
        }
        return y
    }

    /// Rows of activations in the form that kernels read.
    static func input(_ kernels: stellar_kernels, _ form: stellar_input, x: [Float], rows: Int, inputs: Int) -> [UInt8] {
        let rowBytes = stellar_input_row_bytes(form, inputs)
        var bytes = [UInt8](repeating: 0, count: rows * rowBytes)
        x.withUnsafeBufferPointer { x in
            bytes.withUnsafeMutableBytes { bytes in
                guard let x = x.baseAddress, let base = bytes.baseAddress else { return }
                for row in 0..<rows {
                    let target = base + row * rowBytes
                    switch form {
                    case STELLAR_INPUT_BLOCKS:
                        kernels.quantize(x + row * inputs, target.assumingMemoryBound(to: stellar_input_block.self), inputs)
                    case STELLAR_INPUT_BF16: kernels.f32_to_bf16(x + row * inputs, target.assumingMemoryBound(to: UInt16.self), inputs)
                    default: target.copyMemory(from: x + row * inputs, byteCount: inputs * 4)
                    }
                }
            }
        }
        return bytes
    }

    /// The blocks that stand for one row of activations.
    static func blocks(_ kernels: stellar_kernels, x: [Float]) -> [stellar_input_block] {
        var blocks = [stellar_input_block](repeating: stellar_input_block(), count: x.count / 32)
        kernels.quantize(x, &blocks, x.count)
        return blocks
    }

    /// The 32 numbers of a block.
    static func numbers(_ kernels: stellar_kernels, of block: stellar_input_block) -> [Int32] {
        withUnsafePointer(to: block) { block in (0..<32).map { stellar_input_number(block, kernels.word_inputs, $0) } }
    }

    /// The values that stand for one row of activations, by the definition of the blocks.
    static func representedInput(_ kernels: stellar_kernels, x: [Float]) -> [Double] {
        blocks(kernels, x: x).flatMap { block in numbers(kernels, of: block).map { Double(block.scale) * Double($0) } }
    }
}
