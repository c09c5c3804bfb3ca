import CStellarKernels
import Synchronization

/// Writes a model as a GGUF file with weights of another type.
///
/// Thread contract: one thread at a time; the calling thread works, too.
package struct ModelQuantizer {
    /// A tensor of the new file.
    struct Output: Sendable {
        let name: String
        let type: TensorType
        /// The rows of these, one after the other.
        let sources: [StoredTensor]
        let shape: [Int]
        /// Heads whose rows change places for interleaved rotary embedding; 0: rows stay in order.
        var permutedHeads = 0
        /// Added to every number.
        var offset: Float = 0
    }

    private let outputs: [Output]
    private let writer: GGUFFileWriter
    private let pool: ComputePool

    /// Rows that are worked on at once take about so many bytes.
    private static let batchBytes = 16 << 20

    /// - Parameter threads: `nil`: as many as the process may use.
    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel` if the model can't be converted.
    package init(_ files: ModelFiles, target: QuantizationTarget, threads: Int? = nil) throws(InferenceError) {
        try Kernels.validateSelection()
        var content =
            switch files {
            case .gguf(let file): try GGUFContent(file)
            case .huggingFace(let directory): try GGUFContent(directory)
            }
        let plan = QuantizationPlan(target, names: content.tensors.map(\.name))
        var outputs: [Output] = []
        for tensor in content.tensors {
            let type = plan.type(of: tensor.name, shape: tensor.shape)
            for source in tensor.sources where !source.type.isRunnable && source.type != type {
                throw InferenceError(
                    .unsupportedModel,
                    "The tensor \(quoted(source.name)) is stored as \(source.type.name), which can't be read. Convert from another file."
                )
            }
            outputs.append(
                Output(
                    name: tensor.name,
                    type: type,
                    sources: tensor.sources,
                    shape: tensor.shape,
                    permutedHeads: tensor.permutedHeads,
                    offset: tensor.offset
                )
            )
            content.writer.addTensor(tensor.name, shape: tensor.shape, type: type)
        }
        content.writer.set("general.file_type", .uint32(target.fileType))
        content.writer.set("general.quantization_version", .uint32(2))
        self.outputs = outputs
        writer = content.writer
        pool = ComputePool(workerCount: threads ?? MachineTopology.usableCores)
    }

    /// Tensors and bytes by type, most bytes first.
    package var mix: [(type: TensorType, tensors: Int, bytes: Int)] {
        Dictionary(grouping: outputs, by: \.type)
            .map { type, tensors in
                (type, tensors.count, tensors.reduce(0) { $0 + type.byteCount(of: $1.shape.reduce(1, *)) })
            }
            .sorted { $0.bytes > $1.bytes }
    }

    /// Writes the file; see ``GGUFFileWriter/write(to:data:)``.
    ///
    /// - Parameter report: Called before each tensor.
    /// - Throws: ``InferenceError`` `invalidModelFile` if a weight is no number or too large for the type.
    package func write(to path: String, report: (_ name: String, _ index: Int, _ total: Int) -> Void = { _, _, _ in })
        throws(InferenceError)
    {
        var index = 0
        try writer.write(to: path) { _, put throws(InferenceError) in
            let output = outputs[index]
            report(output.name, index, outputs.count)
            index += 1
            try write(output, put)
        }
    }

    /// Ends the threads. Nothing may follow.
    package func stop() { pool.stop() }

    private func write(
        _ output: Output,
        _ put: (UnsafeRawBufferPointer) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        for source in output.sources {
            if source.type == output.type, output.permutedHeads == 0, output.offset == 0 {
                try put(source.bytes)
                continue
            }
            let matrix = source.rows(permuted: output.permutedHeads > 0)
            let rowBytes = output.type.byteCount(of: matrix.length)
            let batch = max(1, min(matrix.count, Self.batchBytes / max(1, matrix.length * 4)))
            let buffer = try AlignedBuffer(byteCount: batch * rowBytes, purpose: "the tensor \(output.name)")
            for start in stride(from: 0, to: matrix.count, by: batch) {
                let rows = start..<min(start + batch, matrix.count)
                guard convert(source, rows, output, into: buffer.base) else { throw Self.unfit(output) }
                try put(UnsafeRawBufferPointer(start: buffer.base, count: rows.count * rowBytes))
            }
        }
    }

    /// - Returns: whether all numbers fit the type.
    private func convert(_ source: StoredTensor, _ rows: Range<Int>, _ output: Output, into target: UnsafeMutableRawPointer) -> Bool {
        let matrix = source.rows(permuted: output.permutedHeads > 0)
        let (length, type) = (matrix.length, output.type)
        let (sourceBytes, targetBytes) = (source.type.byteCount(of: length), type.byteCount(of: length))
        let greatest: Float = type == .f32 || type == .bf16 ? .greatestFiniteMagnitude : 65_504
        let order = RowOrder(heads: output.permutedHeads, rows: matrix.count)
        let isUnfit = Atomic<Bool>(false)
        nonisolated(unsafe) let target = target  // Each worker writes the rows of its own share only.
        pool.run { worker in
            let share = pool.share(of: rows.count, worker: worker)
            withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { row in
                guard let values = row.baseAddress else { return }
                for index in share {
                    let place = order.source(of: rows.lowerBound + index)
                    Kernels.dequantize(type: source.type, source: source.base + place * sourceBytes, target: values, count: length)
                    if output.offset != 0 { for place in row.indices { row[place] += output.offset } }
                    if !row.allSatisfy({ abs($0) <= greatest }) { isUnfit.store(true, ordering: .relaxed) }
                    stellar_quantize(type.rawValue, values, target + index * targetBytes, length)
                }
            }
        }
        return !isUnfit.load(ordering: .relaxed)
    }

    private static func unfit(_ output: Output) -> InferenceError {
        InferenceError(
            .invalidModelFile,
            "The tensor \(quoted(output.name)) holds infinities, or numbers too large for \(output.type.name). The model is damaged, or needs "
                + "another type."
        )
    }
}

extension StoredTensor {
    /// How many rows there are and how long they are; the elements of a vector whose order changes are rows of one.
    fileprivate func rows(permuted: Bool) -> (count: Int, length: Int) {
        permuted && shape.count == 1 ? (elementCount, 1) : (rowCount, rowLength)
    }
}

/// Where the rows of Q and K go when rotary embedding changes from pairs (i, i + d/2) to pairs (2i, 2i + 1).
struct RowOrder: Sendable {
    /// Rows of a head; 0: rows stay in order.
    private let headSize: Int

    init(heads: Int, rows: Int) {
        headSize = heads > 0 && rows % (2 * heads) == 0 ? rows / heads : 0
    }

    /// The row that comes to `row`.
    func source(of row: Int) -> Int {
        guard headSize > 0 else { return row }
        let (head, place) = (row / headSize, row % headSize)
        return head * headSize + place / 2 + place % 2 * (headSize / 2)
    }
}
