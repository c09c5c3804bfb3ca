/// Linear maps that share their input, computed in one go: their outputs lie side by side in one row.
///
/// Query, key and value are one projection of three matrices, gate and up one of two; every other is one of one.
package struct Projection: Sendable {
    package let matrices: [WeightMatrix]
    package let inputs: Int
    /// Sum of the matrices' outputs: the length of an output row.
    package let outputs: Int

    /// - Parameter matrices: At least one, all with the same number of inputs (the tensor table has checked the shapes).
    package init(_ matrices: [WeightMatrix]) {
        self.matrices = matrices
        inputs = matrices.first?.inputs ?? 0
        outputs = matrices.reduce(0) { $0 + $1.outputs }
    }

    /// Computes the outputs `share` of every row.
    ///
    /// Which way a row goes depends only on `rows`, and there only on the row's own sequence, so that a result does not depend on what
    /// else is in the batch.
    ///
    /// - Parameters:
    ///   - x: `[rows.count, inputs]`.
    ///   - y: `[rows.count, outputs]`; only the columns `share` are written.
    ///   - tile: Scratch memory of the calling worker for expanded weights.
    func multiply(
        share: Range<Int>,
        rows: RowPlan,
        x: UnsafePointer<Float>,
        y: UnsafeMutablePointer<Float>,
        tile: FloatBuffer
    ) {
        var offset = 0
        for matrix in matrices {
            let part = share.clamped(to: offset..<offset + matrix.outputs)
            if !part.isEmpty {
                let range = part.lowerBound - offset..<part.upperBound - offset
                multiply(matrix, range, rows: rows, x: x, y: y + part.lowerBound, tile: tile)
            }
            offset += matrix.outputs
        }
    }

    private func multiply(
        _ matrix: WeightMatrix,
        _ range: Range<Int>,
        rows: RowPlan,
        x: UnsafePointer<Float>,
        y: UnsafeMutablePointer<Float>,
        tile: FloatBuffer
    ) {
        if rows.kernelRows > 0 {
            matrix.multiply(range, x: x, ldx: inputs, rows: rows.kernelRows, y: y, ldy: outputs)
        }
        for group in rows.blasGroups {
            matrix.multiplyThroughBLAS(
                range,
                x: x + group.lowerBound * inputs,
                ldx: inputs,
                rows: group.count,
                y: y + group.lowerBound * outputs,
                ldy: outputs,
                tile: tile
            )
        }
    }
}

/// Which rows of a batch go through our own kernels and which through BLAS.
///
/// The kernels compute each row by itself, so all their rows can be taken together. BLAS promises nothing of the kind: the rows of one
/// prompt chunk are one product, and never share it with another sequence's.
struct RowPlan: Sendable, Equatable {
    /// Rows `0..<kernelRows` go through the kernels.
    var kernelRows: Int
    /// The others, one group a prompt chunk.
    var blasGroups: [Range<Int>]

    static func kernels(_ rows: Int) -> RowPlan {
        RowPlan(kernelRows: rows, blasGroups: [])
    }
}
