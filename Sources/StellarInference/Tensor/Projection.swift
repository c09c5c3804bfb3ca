import CStellarKernels

/// Linear maps that share their input, computed in one go: their outputs lie side by side in one row.
///
/// Query, key and value are one projection of three matrices, gate and up one of two; every other is one of one.
///
/// A class, as the parts of a model are: workers that all counted the references in copies would wait for each other.
package final class Projection: Sendable {
    private let matrices: [WeightMatrix.Values]
    /// Of the memory of `matrices`.
    private let owners: [any AnyObject & Sendable]
    package let inputs: Int
    /// Sum of the matrices' outputs: the length of an output row.
    package let outputs: Int
    /// `[outputs]`: added to every output row.
    package let bias: WeightVector?

    /// - Parameter matrices: At least one, all with the same number of inputs (the tensor table has checked the shapes).
    package init(_ matrices: [WeightMatrix], bias: WeightVector? = nil) {
        self.matrices = matrices.map(\.values)
        owners = matrices.map(\.owner)
        self.bias = bias
        inputs = matrices.first?.inputs ?? 0
        outputs = matrices.reduce(0) { $0 + $1.outputs }
    }

    /// Part `index` of the outputs in `range`, cut into `count` that are about equal, with borders where panels of weights begin.
    ///
    /// - Parameter range: `nil`: all; else with such borders itself.
    package func part(_ index: Int, of count: Int, in range: Range<Int>? = nil) -> Range<Int> {
        let range = range ?? 0..<outputs
        return border(range.lowerBound + range.count * index / count)..<border(range.lowerBound + range.count * (index + 1) / count)
    }

    /// Calls `body` with ranges of the outputs until all are computed or in the hands of other workers, which do the same.
    ///
    /// Each worker has an equal part. It takes three quarters of that at once and the rest in small pieces, all one after the other in
    /// memory; a worker that is done takes over pieces of one that is held up or has a slower core. The borders are always the same.
    package func forEachRange(worker: Int, of workerCount: Int, dealer: PieceDealer, _ body: (Range<Int>) -> Void) {
        guard workerCount > 1 else { return body(0..<outputs) }
        dealer.deal(to: worker, pieces: 1 + Self.smallPieces) { owner, piece in
            let own = part(owner, of: workerCount)
            let rest = border(own.lowerBound + own.count * 3 / 4)..<own.upperBound
            let range = piece == 0 ? own.lowerBound..<rest.lowerBound : part(piece - 1, of: Self.smallPieces, in: rest)
            if !range.isEmpty { body(range) }
        }
    }

    private static let smallPieces = 4

    /// The next output from `output` on at which a panel begins or a matrix ends.
    private func border(_ output: Int) -> Int {
        var offset = 0
        for matrix in matrices {
            if output < offset + matrix.outputs {
                let panel = WeightPacking.panelOutputs
                return offset + min(matrix.outputs, (output - offset + panel - 1) / panel * panel)
            }
            offset += matrix.outputs
        }
        return outputs
    }

    /// Whether its products are FP32 throughout.
    var isFullPrecision: Bool { matrices.allSatisfy(\.isFullPrecision) }

    /// Whether a matrix reads other forms of its input than floats: then ``prepare(_:x:into:)`` comes first.
    var needsPreparedInput: Bool { matrices.contains { $0.inputForm != .floats } }

    /// Writes rows of `x`, `[rows, inputs]`, in the forms that the matrices read.
    func prepare(_ rows: Range<Int>, x: UnsafePointer<Float>, into input: PreparedInput) {
        for form in [InputForm.halves, .blocks] where matrices.contains(where: { $0.inputForm == form }) {
            let rowBytes = form.rowBytes(inputs: inputs)
            for row in rows { form.write(x + row * inputs, inputs: inputs, to: input.base(form) + row * rowBytes) }
        }
    }

    /// Computes the outputs `share` of every row.
    ///
    /// Which way a row goes depends only on `rows`, and there only on the row's own sequence, so that a result does not depend on what
    /// else is in the batch.
    ///
    /// - Parameters:
    ///   - share: As ``part(_:of:in:)`` gives it.
    ///   - x: `[rows.count, inputs]`.
    ///   - input: The same rows, prepared.
    ///   - y: `[rows.count, outputs]`; only the columns `share` are written.
    ///   - tile: Scratch memory of the calling worker for expanded weights.
    func multiply(
        share: Range<Int>,
        rows: RowPlan,
        x: UnsafePointer<Float>,
        input: PreparedInput,
        y: UnsafeMutablePointer<Float>,
        tile: FloatBuffer
    ) {
        forEachPart(of: share) { matrix, range, column in
            multiply(matrix, range, rows: rows, x: x, input: input, y: y + column, tile: tile)
        }
        addBias(share, rows: rows.count, y: y, ldy: outputs)
    }

    /// The same by our own kernels alone, for rows that lie apart: `x` is `[rows, ldx]`, `y` `[rows, ldy]`.
    func multiply(
        share: Range<Int>,
        x: UnsafePointer<Float>,
        ldx: Int,
        rows: Int,
        y: UnsafeMutablePointer<Float>,
        ldy: Int
    ) {
        forEachPart(of: share) { matrix, range, column in
            matrix.multiply(range, x: x, ldx: ldx, rows: rows, y: y + column, ldy: ldy)
        }
        addBias(share, rows: rows, y: y, ldy: ldy)
    }

    /// Calls `body` with each matrix that has outputs in `share`: with their range in the matrix and their first column in `y`.
    private func forEachPart(of share: Range<Int>, _ body: (WeightMatrix.Values, Range<Int>, Int) -> Void) {
        var offset = 0
        for matrix in matrices {
            let part = share.clamped(to: offset..<offset + matrix.outputs)
            if !part.isEmpty { body(matrix, part.lowerBound - offset..<part.upperBound - offset, part.lowerBound) }
            offset += matrix.outputs
        }
    }

    private func addBias(_ share: Range<Int>, rows: Int, y: UnsafeMutablePointer<Float>, ldy: Int) {
        guard let bias, !share.isEmpty else { return }
        for row in 0..<rows {
            Kernels.table.add(y + row * ldy + share.lowerBound, bias.base + share.lowerBound, share.count)
        }
    }

    private func multiply(
        _ matrix: WeightMatrix.Values,
        _ range: Range<Int>,
        rows: RowPlan,
        x: UnsafePointer<Float>,
        input: PreparedInput,
        y: UnsafeMutablePointer<Float>,
        tile: FloatBuffer
    ) {
        let form = matrix.inputForm
        let kernelRows = matrix.suitsBLAS ? rows.kernelRows : rows.count
        if kernelRows > 0 {
            let source = form == .floats ? UnsafeRawPointer(x) : UnsafeRawPointer(input.base(form))
            matrix.multiply(range, x: source, rowBytes: form.rowBytes(inputs: inputs), rows: kernelRows, y: y, ldy: outputs)
        }
        for group in rows.blasGroups where matrix.suitsBLAS {
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

    var count: Int { blasGroups.reduce(kernelRows) { $0 + $1.count } }

    static func kernels(_ rows: Int) -> RowPlan {
        RowPlan(kernelRows: rows, blasGroups: [])
    }
}
