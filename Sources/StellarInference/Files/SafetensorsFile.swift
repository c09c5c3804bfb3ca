/// A file in safetensors format: the length of a header (64 bits, little-endian), the header (JSON: each tensor's type, shape and place),
/// then the tensors' bytes without gaps.
///
/// Everything that the header says is checked before it is used; memory is in proportion to the file's size at most. Values are immutable
/// and may be used from any thread.
///
/// Format: https://huggingface.co/docs/safetensors (and its reference implementation, which refuses what is refused here).
package struct SafetensorsFile: Sendable {
    /// The longest header that the format allows, in bytes.
    package static let maxHeaderLength = 100_000_000

    package let file: FileBytes
    /// In the order of the header.
    package let entries: [Entry]
    /// Free text about the file, such as `format: pt`.
    package let metadata: [String: String]
    /// Copies of the tensors whose place in the file is not aligned for their type.
    private let realigned: Realigned?

    /// What the header says about one tensor.
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let type: SafetensorsType
        /// Row-major, outermost dimension first.
        package let shape: [Int]
        /// Bytes of the file.
        package let range: Range<Int>
    }

    /// Maps and reads the file at `path`.
    ///
    /// - Throws: ``InferenceError`` `modelNotFound`; `invalidModelFile`; `unsupportedModel` for an unknown element type; `outOfMemory`.
    package init(path: String) throws(InferenceError) {
        try self.init(FileBytes(try MappedFile(path: path)))
    }

    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`, `outOfMemory`.
    package init(_ file: FileBytes) throws(InferenceError) {
        let header = try Header(file)
        self.file = file
        entries = header.entries
        metadata = header.metadata
        realigned = try Realigned(file, header.entries)
    }

    /// The tensor of an entry of this file; `nil` if it has a type that weights never have.
    package func tensor(_ entry: Entry) -> StoredTensor? {
        guard let type = entry.type.tensorType, let start = file.buffer.baseAddress else { return nil }
        let copy = realigned?.bases[entry.range.lowerBound]
        return StoredTensor(
            name: entry.name,
            shape: entry.shape,
            type: type,
            base: copy ?? start + entry.range.lowerBound,
            byteCount: entry.range.count,
            owner: copy == nil ? file.owner : realigned?.buffer ?? file.owner
        )
    }

    /// Tensors whose bytes do not begin at a multiple of their element's size, copied to where they do. Only old files have them.
    ///
    /// `@unchecked Sendable`: written in `init` and never after.
    private struct Realigned: @unchecked Sendable {
        let buffer: AlignedBuffer
        /// By offset in the file.
        let bases: [Int: UnsafeRawPointer]

        /// `nil` if all are in place.
        init?(_ file: FileBytes, _ entries: [Entry]) throws(InferenceError) {
            guard let start = file.buffer.baseAddress else { return nil }
            let address = UInt(bitPattern: start)
            let misplaced = entries.filter { (address + UInt($0.range.lowerBound)) % UInt($0.type.byteCount) != 0 && !$0.range.isEmpty }
            guard !misplaced.isEmpty else { return nil }
            // No overflow: the ranges do not overlap, so they are together no longer than the file.
            let size = misplaced.reduce(0) { $0 + Self.padded($1.range.count) }
            buffer = try AlignedBuffer(byteCount: size, purpose: "the tensors of \(file.name)")
            var bases: [Int: UnsafeRawPointer] = [:]
            var target = buffer.base
            for entry in misplaced {
                target.copyMemory(from: start + entry.range.lowerBound, byteCount: entry.range.count)
                bases[entry.range.lowerBound] = UnsafeRawPointer(target)
                target += Self.padded(entry.range.count)
            }
            self.bases = bases
        }

        private static func padded(_ count: Int) -> Int { (count + 63) / 64 * 64 }
    }
}

// MARK: - Header

extension SafetensorsFile {
    private struct Header {
        private(set) var entries: [Entry] = []
        private(set) var metadata: [String: String] = [:]
        private let name: String
        /// Where the tensors' bytes begin, and how many there are.
        private let dataStart: Int
        private let dataCount: Int

        init(_ file: FileBytes) throws(InferenceError) {
            name = file.name
            var reader = ByteReader(file.buffer, name: file.name)
            let length = try reader.count(ofSize: 1, "the length of the header")
            guard length <= SafetensorsFile.maxHeaderLength else {
                throw reader.damaged("its header has \(length) bytes, at most \(SafetensorsFile.maxHeaderLength) are allowed")
            }
            dataStart = reader.offset + length
            dataCount = file.buffer.count - dataStart
            let bytes = UnsafeRawBufferPointer(rebasing: file.buffer[reader.offset..<dataStart])
            guard bytes.first == UInt8(ascii: "{") else {
                throw InferenceError(.invalidModelFile, "\(name) is not a safetensors file: it has no JSON header.")
            }
            guard let header = try JSONNode(parsing: bytes, name: "The header of \(file.name)").object else {
                throw damaged("the header is no JSON object")
            }
            try read(header)
        }

        private mutating func read(_ header: JSONObject) throws(InferenceError) {
            if let key = header.repeatedKey { throw damaged("the name \(quoted(key)) occurs twice") }
            entries.reserveCapacity(header.count)
            for (key, value) in header {
                if key == "__metadata__" { try readMetadata(value) } else { entries.append(try entry(key, value)) }
            }
            try checkPlaces()
        }

        private mutating func readMetadata(_ value: JSONNode) throws(InferenceError) {
            guard let object = value.object else { throw damaged("its metadata are no JSON object") }
            for (key, value) in object {
                guard let text = value.string else { throw damaged("the metadata value \(quoted(key)) is no string") }
                metadata[key] = text
            }
        }

        private func entry(_ name: String, _ value: JSONNode) throws(InferenceError) -> Entry {
            guard let dtype = value["dtype"]?.string, let sizes = value["shape"]?.array, let offsets = value["data_offsets"]?.array else {
                throw damaged("the entry of the tensor \(quoted(name)) lacks dtype, shape or data_offsets")
            }
            guard let type = SafetensorsType(rawValue: dtype) else {
                throw InferenceError(
                    .unsupportedModel,
                    "\(self.name): the tensor \(quoted(name)) is stored as \(quoted(dtype)), which is not known. "
                        + "Use a model with tensors of F32, F16 or BF16."
                )
            }
            let range = try range(offsets, name)
            let shape = try shape(sizes, name)
            let bytes = shape.reduce((type.byteCount, false)) { product, size in
                let (value, overflow) = product.0.multipliedReportingOverflow(by: size)
                return (value, product.1 || overflow)
            }
            guard !bytes.1, bytes.0 == range.count else {
                throw damaged(
                    "the tensor \(quoted(name)) of shape \(shape) and type \(dtype) has \(range.count) bytes, which is not what they say"
                )
            }
            return Entry(name: name, type: type, shape: shape, range: range.lowerBound + dataStart..<range.upperBound + dataStart)
        }

        private func shape(_ sizes: [JSONNode], _ name: String) throws(InferenceError) -> [Int] {
            let shape = sizes.compactMap(\.integer)
            guard shape.count == sizes.count, shape.allSatisfy({ $0 >= 0 }) else {
                throw damaged("the shape of the tensor \(quoted(name)) is not a list of sizes")
            }
            return shape
        }

        private func range(_ offsets: [JSONNode], _ name: String) throws(InferenceError) -> Range<Int> {
            guard offsets.count == 2, let start = offsets[0].integer, let end = offsets[1].integer, start >= 0, start <= end else {
                throw damaged("the data_offsets of the tensor \(quoted(name)) are no range")
            }
            guard end <= dataCount else {
                throw InferenceError(
                    .invalidModelFile,
                    "\(self.name) is truncated: the tensor \(quoted(name)) ends at byte \(end) of the data, which has \(dataCount). "
                        + "Download it again."
                )
            }
            return start..<end
        }

        /// Each byte behind the header belongs to one tensor.
        private func checkPlaces() throws(InferenceError) {
            var end = dataStart
            for entry in entries.sorted(by: { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }) {
                guard entry.range.lowerBound == end else {
                    let problem = entry.range.lowerBound < end ? "overlaps another one" : "does not follow the one before it"
                    throw damaged("the tensor \(quoted(entry.name)) \(problem)")
                }
                end = entry.range.upperBound
            }
            guard end == dataStart + dataCount else { throw damaged("\(dataStart + dataCount - end) bytes belong to no tensor") }
        }

        private func damaged(_ problem: String) -> InferenceError {
            InferenceError(.invalidModelFile, "\(name) is damaged: \(problem). Download it again.")
        }
    }
}
