/// The weights of one linear map, `[outputs, inputs]`, in one of the storage kinds that the kernels read.
///
/// One type for every kind: a new kind is a kernel, not a new class. The memory belongs to `owner` (a mapped file or a buffer).
package struct WeightMatrix: @unchecked Sendable {
    // @unchecked: the weights are written before the matrix is made and never after.

    /// Rows: the size of the output vector.
    package let outputs: Int
    /// Columns: the size of the input vector; a multiple of the kind's block size.
    package let inputs: Int
    package let type: TensorType
    /// Bytes from one row to the next.
    package let rowBytes: Int
    private let base: UnsafeRawPointer
    private let owner: AnyObject

    package init(outputs: Int, inputs: Int, type: TensorType, rowBytes: Int, base: UnsafeRawPointer, owner: AnyObject) {
        self.outputs = outputs
        self.inputs = inputs
        self.type = type
        self.rowBytes = rowBytes
        self.base = base
        self.owner = owner
    }

    package var byteCount: Int { outputs * rowBytes }

    func row(_ index: Int) -> UnsafeRawPointer {
        base + index * rowBytes
    }

    /// Writes rows `range` as FP32, `[range.count, inputs]`, to `target`.
    package func expand(_ range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        for (index, output) in range.enumerated() {
            Kernels.dequantize(type: type, source: row(output), target: target + index * inputs, count: inputs)
        }
    }

    /// y[r, n − range.lowerBound] = Σₖ W[n, k] · x[r, k] for the outputs n in `range`, by our own kernels.
    ///
    /// The result for one (r, n) does not depend on the number of rows or on the range.
    package func multiply(
        _ range: Range<Int>, x: UnsafePointer<Float>, ldx: Int, rows: Int, y: UnsafeMutablePointer<Float>, ldy: Int
    ) {
        Kernels.matmul(
            type: type, weights: row(range.lowerBound), rowBytes: rowBytes, outputs: range.count, inputs: inputs,
            x: x, ldx: ldx, rows: rows, y: y, ldy: ldy)
    }

    /// The same through BLAS: weights of other kinds than F32 are expanded tile by tile into `tile`.
    func multiplyThroughBLAS(
        _ range: Range<Int>, x: UnsafePointer<Float>, ldx: Int, rows: Int, y: UnsafeMutablePointer<Float>, ldy: Int, tile: FloatBuffer
    ) {
        if type == .f32 {
            let weights = row(range.lowerBound).assumingMemoryBound(to: Float.self)
            BLASLibrary.multiply(x: x, ldx: ldx, rows: rows, w: weights, outputs: range.count, inputs: inputs, y: y, ldy: ldy)
            return
        }
        let tileOutputs = max(1, tile.count / inputs)
        var start = range.lowerBound
        while start < range.upperBound {
            let part = start..<min(start + tileOutputs, range.upperBound)
            expand(part, into: tile.base)
            BLASLibrary.multiply(
                x: x, ldx: ldx, rows: rows, w: tile.base, outputs: part.count, inputs: inputs,
                y: y + (start - range.lowerBound), ldy: ldy)
            start = part.upperBound
        }
    }
}
