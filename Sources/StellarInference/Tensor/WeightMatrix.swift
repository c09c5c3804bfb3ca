import CStellarKernels
import Synchronization

/// The weights of one linear map, `[outputs, inputs]`: as they lie in a file, or packed for the product kernels.
///
/// One type for every kind: a new kind is a kernel, not a new class. The memory belongs to `owner` (a mapped file or a buffer).
package struct WeightMatrix: Sendable {
    /// What products read. Without the owner, as workers that all counted references to it would wait for each other.
    package struct Values: @unchecked Sendable {
        // @unchecked: the weights are written before the matrix is made and never after.
        let outputs: Int
        let inputs: Int
        let type: TensorType
        let packing: WeightPacking?
        fileprivate let base: UnsafeRawPointer
    }

    /// Valid as long as the matrix.
    package let values: Values
    let owner: any AnyObject & Sendable

    /// Weights as they lie in a file: contiguous rows of the type's blocks.
    package init(outputs: Int, inputs: Int, type: TensorType, base: UnsafeRawPointer, owner: any AnyObject & Sendable) {
        self.init(values: Values(outputs: outputs, inputs: inputs, type: type, packing: nil, base: base), owner: owner)
    }

    private init(values: Values, owner: any AnyObject & Sendable) {
        self.values = values
        self.owner = owner
    }

    /// Rows: the size of the output vector.
    package var outputs: Int { values.outputs }
    /// Columns: the size of the input vector; a multiple of the kind's block size.
    package var inputs: Int { values.inputs }
    /// The type whose values these are.
    package var type: TensorType { values.type }
    /// `nil`: rows of blocks as in a file, only good for being expanded and packed.
    package var packing: WeightPacking? { values.packing }

    /// Writes rows `range` as FP32, `[range.count, inputs]`, to `target`.
    package func expand(_ range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        guard let packing else {
            let rowBytes = type.byteCount(of: inputs)
            Kernels.dequantize(type: type, source: values.base + range.lowerBound * rowBytes, target: target, count: range.count * inputs)
            return
        }
        for (index, output) in range.enumerated() {
            stellar_unpack(packing.kernelPacking, values.base, inputs, output, target + index * inputs)
        }
    }

    // MARK: Packing

    /// A copy that the product kernels can read. The workers of `pool` share the work.
    ///
    /// FP32 numbers that are all BF16 or F16 numbers are held as such: the same products, in half the memory.
    ///
    /// - Throws: ``InferenceError`` `outOfMemory`.
    package func packed(
        as wanted: WeightPacking,
        arena: WeightArena,
        pool: ComputePool,
        name: String
    ) throws(InferenceError) -> WeightMatrix {
        let packing = wanted == .f32 ? exactHalves(pool) ?? .f32 : wanted
        let memory = try arena.allocate(packing.byteCount(outputs: outputs, inputs: inputs), purpose: "the tensor \(name)")
        pool.run { worker in
            pack(pool.share(of: outputs, worker: worker, granularity: WeightPacking.panelOutputs), as: packing, into: memory.base)
        }
        let values = Values(
            outputs: outputs,
            inputs: inputs,
            type: wanted.isQuantised ? type : wanted.elementType,
            packing: packing,
            base: memory.base
        )
        return WeightMatrix(values: values, owner: memory.owner)
    }

    private func pack(_ range: Range<Int>, as packing: WeightPacking, into target: UnsafeMutableRawPointer) {
        if packing.isQuantised {
            let rowBytes = type.byteCount(of: inputs)
            let rows = values.base + range.lowerBound * rowBytes
            stellar_pack(packing.kernelPacking, rows, rowBytes, outputs, inputs, range.lowerBound, range.count, target)
            return
        }
        let panel = WeightPacking.panelOutputs
        withUnsafeTemporaryAllocation(of: Float.self, capacity: panel * inputs) { values in
            guard let values = values.baseAddress else { return }
            for start in stride(from: range.lowerBound, to: range.upperBound, by: panel) {
                let part = start..<min(start + panel, range.upperBound)
                expand(part, into: values)
                stellar_pack(packing.kernelPacking, values, inputs * 4, outputs, inputs, start, part.count, target)
            }
        }
    }

    /// The packing of half the size of FP32 that keeps every bit of the numbers, if there is one. For rows as they lie in a file.
    private func exactHalves(_ pool: ComputePool) -> WeightPacking? {
        let candidates: [WeightPacking] = Kernels.convertsHalvesInHardware ? [.bf16, .f16] : [.bf16]
        guard type == .f32 else { return candidates.first { $0.elementType == type } }
        return candidates.first { holdsEveryNumber(as: $0, pool) }
    }

    /// Whether all numbers have the same bits after they were BF16 or F16.
    private func holdsEveryNumber(as packing: WeightPacking, _ pool: ComputePool) -> Bool {
        let differs = Atomic<Bool>(false)
        pool.run { worker in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * inputs) { memory in
                guard let row = memory.baseAddress else { return }
                let (again, halves) = (row + inputs, UnsafeMutableRawPointer(row + 2 * inputs).assumingMemoryBound(to: UInt16.self))
                for output in pool.share(of: outputs, worker: worker) where !differs.load(ordering: .relaxed) {
                    expand(output..<output + 1, into: row)
                    if packing == .bf16 {
                        Kernels.table.f32_to_bf16(row, halves, inputs)
                        Kernels.table.bf16_to_f32(halves, again, inputs)
                    } else {
                        Kernels.table.f32_to_f16(row, halves, inputs)
                        Kernels.table.f16_to_f32(halves, again, inputs)
                    }
                    var difference: UInt32 = 0
                    for index in 0..<inputs { difference |= row[index].bitPattern ^ again[index].bitPattern }
                    if difference != 0 { differs.store(true, ordering: .relaxed) }
                }
            }
        }
        return !differs.load(ordering: .relaxed)
    }

    /// Whether no number of a matrix packed as F16 is infinite or none at all: blocks may hold greater ones than F16 can.
    func isFinite(_ pool: ComputePool) -> Bool {
        let count = WeightPacking.f16.byteCount(outputs: outputs, inputs: inputs) / 2
        let overflows = Atomic<Bool>(false)
        pool.run { worker in
            let halves = UnsafeBufferPointer(start: values.base.assumingMemoryBound(to: UInt16.self), count: count)
            for index in pool.share(of: count, worker: worker) where halves[index] & 0x7C00 == 0x7C00 {
                return overflows.store(true, ordering: .relaxed)
            }
        }
        return !overflows.load(ordering: .relaxed)
    }
}

// MARK: - Products

extension WeightMatrix.Values {
    /// The form of activations that products with it read.
    var inputForm: InputForm { packing?.input ?? .floats }

    /// Whether products with it are FP32 throughout. (BF16 and F16 numbers of an FP32 matrix are multiplied as floats.)
    package var isFullPrecision: Bool { type == .f32 }

    /// y[r, n − range.lowerBound] = Σₖ W[n, k] · x[r, k] for the outputs n in `range`, by our own kernels.
    ///
    /// The result for one (r, n) does not depend on the number of rows or on the range.
    ///
    /// - Parameters:
    ///   - range: Begins at a multiple of ``WeightPacking/panelOutputs``.
    ///   - x: Rows in the form that the packing names, `rowBytes` apart.
    func multiply(
        _ range: Range<Int>,
        x: UnsafeRawPointer,
        rowBytes: Int,
        rows: Int,
        y: UnsafeMutablePointer<Float>,
        ldy: Int
    ) {
        guard let packing else { return assertionFailure("weights must be packed for products") }
        var product = stellar_product(
            packing: packing.kernelPacking,
            weights: base + packing.offset(ofOutput: range.lowerBound, inputs: inputs),
            outputs: range.count,
            inputs: inputs,
            x: x,
            row_bytes: rowBytes,
            rows: rows,
            y: y,
            ldy: ldy
        )
        Kernels.table.product(&product)
    }

    /// The same for rows of floats, `ldx` apart, which are brought into the form that the packing wants first.
    package func multiply(
        _ range: Range<Int>,
        x: UnsafePointer<Float>,
        ldx: Int,
        rows: Int,
        y: UnsafeMutablePointer<Float>,
        ldy: Int
    ) {
        let form = inputForm
        if form == .floats { return multiply(range, x: x, rowBytes: ldx * 4, rows: rows, y: y, ldy: ldy) }
        let rowBytes = form.rowBytes(inputs: inputs)
        withUnsafeTemporaryAllocation(byteCount: max(1, rows * rowBytes), alignment: 64) { prepared in
            guard let base = prepared.baseAddress else { return }
            for row in 0..<rows { form.write(x + row * ldx, inputs: inputs, to: base + row * rowBytes) }
            multiply(range, x: base, rowBytes: rowBytes, rows: rows, y: y, ldy: ldy)
        }
    }

    /// Whether BLAS can compute products with these weights: those of plain numbers, which are multiplied as floats.
    var suitsBLAS: Bool { packing == .f32 || packing == .f16 || packing == .bf16 }

    /// The same through BLAS, one panel of outputs at a time: it is the `[inputs, panel]` matrix that it takes; halves are expanded first.
    ///
    /// - Parameter tile: At least ``WeightPacking/panelOutputs`` · inputs.
    func multiplyThroughBLAS(
        _ range: Range<Int>,
        x: UnsafePointer<Float>,
        ldx: Int,
        rows: Int,
        y: UnsafeMutablePointer<Float>,
        ldy: Int,
        tile: FloatBuffer
    ) {
        guard let packing else { return assertionFailure("weights must be packed for products") }
        let width = WeightPacking.panelOutputs
        for start in stride(from: range.lowerBound, to: range.upperBound, by: width) {
            let source = base + packing.offset(ofOutput: start, inputs: inputs)
            let halves = source.assumingMemoryBound(to: UInt16.self)
            switch packing {
            case .f16: Kernels.table.f16_to_f32(halves, tile.base, width * inputs)
            case .bf16: Kernels.table.bf16_to_f32(halves, tile.base, width * inputs)
            default: break
            }
            BLASLibrary.multiply(
                x: x,
                ldx: ldx,
                rows: rows,
                w: packing == .f32 ? source.assumingMemoryBound(to: Float.self) : UnsafePointer(tile.base),
                ldw: width,
                outputs: min(width, range.upperBound - start),
                inputs: inputs,
                y: y + (start - range.lowerBound),
                ldy: ldy
            )
        }
    }
}

extension WeightPacking {
    /// The type of a plain packing's numbers.
    fileprivate var elementType: TensorType {
        switch self {
        case .f16: .f16
        case .bf16, .bf16Pairs: .bf16
        default: .f32
        }
    }
}
