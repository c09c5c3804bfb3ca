/// A model file in GGUF format, versions 2 and 3, little-endian: metadata and the places of its tensors.
///
/// Parsing checks every length, count, offset and product before it is used, reads no tensor data, and takes memory in proportion to the
/// file's size at most. Values are immutable and may be used from any thread.
///
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
package struct GGUFFile: Sendable {
    /// The first four bytes of every GGUF file.
    package static let magic: [UInt8] = Array("GGUF".utf8)

    package let file: FileBytes
    package let version: Int
    package let metadata: GGUFMetadata
    /// In the file's order.
    package let tensors: [GGUFTensor]
    /// Tensor data starts at a multiple of this, in bytes.
    package let alignment: Int
    private let indices: [String: Int]

    /// Maps and parses the file at `path`.
    ///
    /// - Throws: ``InferenceError`` `modelNotFound`; `invalidModelFile`; `unsupportedModel` for a version, byte order or tensor type
    ///   that is not known.
    package init(path: String) throws(InferenceError) {
        try self.init(FileBytes(try MappedFile(path: path)))
    }

    /// Parses a file that is already in memory.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`.
    package init(_ file: FileBytes) throws(InferenceError) {
        var parser = GGUFMetadataParser(file: file)
        let header = try GGUFHeader(&parser.reader)
        let metadata = try Self.metadata(&parser, count: header.metadataCount, file.name)
        let alignment = try Self.alignment(metadata, parser.reader)
        let entries = try Self.entries(&parser.reader, count: header.tensorCount)
        self.file = file
        version = header.version
        self.metadata = metadata
        self.alignment = alignment
        tensors = try Self.place(entries, alignment, parser.reader)
        indices = try Self.index(tensors, parser.reader)
    }

    package func tensor(named name: String) -> GGUFTensor? {
        indices[name].map { tensors[$0] }
    }

    /// The stored blocks of a tensor of this file. Valid as long as this value or a copy of it (or of `file`) lives.
    package func bytes(of tensor: GGUFTensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.buffer[tensor.offset..<(tensor.offset + tensor.byteCount)])
    }

    private static func metadata(
        _ parser: inout GGUFMetadataParser,
        count: Int,
        _ fileName: String
    ) throws(InferenceError) -> GGUFMetadata {
        var metadata = GGUFMetadata(fileName: fileName)
        for _ in 0..<count {
            let key = try parser.reader.string("a metadata key", maxLength: 65535)
            let value = try parser.value(try parser.type())
            guard metadata.insert(value, for: key) else { throw parser.reader.damaged("the key \(quoted(key)) occurs twice") }
        }
        return metadata
    }

    private static func alignment(_ metadata: GGUFMetadata, _ reader: ByteReader) throws(InferenceError) -> Int {
        let alignment = try metadata.integer("general.alignment") ?? 32
        guard alignment > 0, alignment % 8 == 0, alignment <= 1 << 30 else {
            throw reader.damaged("general.alignment is \(alignment); it has to be a positive multiple of 8")
        }
        return alignment
    }

    private static func entries(_ reader: inout ByteReader, count: Int) throws(InferenceError) -> [GGUFTensor] {
        var entries: [GGUFTensor] = []
        for _ in 0..<count { entries.append(try GGUFTensor(&reader)) }
        return entries
    }

    /// Turns offsets in the tensor data into offsets in the file, where `reader` stands behind the last entry.
    private static func place(_ entries: [GGUFTensor], _ alignment: Int, _ reader: ByteReader) throws(InferenceError) -> [GGUFTensor] {
        let start = (reader.offset + alignment - 1) / alignment * alignment
        var tensors: [GGUFTensor] = []
        tensors.reserveCapacity(entries.count)
        for entry in entries {
            guard entry.offset % alignment == 0 else {
                throw reader.damaged("tensor \(quoted(entry.name)) starts at \(entry.offset), no multiple of the alignment \(alignment)")
            }
            // No overflow: each of the three is at most the size of a file or 2^30.
            guard start + entry.offset + entry.byteCount <= reader.bytes.count else {
                throw InferenceError(
                    .invalidModelFile,
                    "\(reader.name) is truncated: tensor \(quoted(entry.name)) ends at byte \(start + entry.offset + entry.byteCount), "
                        + "the file at byte \(reader.bytes.count). Download it again."
                )
            }
            tensors.append(entry.moved(by: start))
        }
        return tensors
    }

    private static func index(_ tensors: [GGUFTensor], _ reader: ByteReader) throws(InferenceError) -> [String: Int] {
        var indices = [String: Int](minimumCapacity: tensors.count)
        for (index, tensor) in tensors.enumerated() {
            guard indices.updateValue(index, forKey: tensor.name) == nil else {
                throw reader.damaged("the tensor name \(quoted(tensor.name)) occurs twice")
            }
        }
        return indices
    }
}

/// The fixed part at the start of a GGUF file.
struct GGUFHeader {
    let version: Int
    let tensorCount: Int
    let metadataCount: Int

    init(_ reader: inout ByteReader) throws(InferenceError) {
        guard reader.bytes.starts(with: GGUFFile.magic) else {
            throw InferenceError(.invalidModelFile, "\(reader.name) is not a GGUF file: it does not begin with the letters GGUF.")
        }
        try reader.skip(GGUFFile.magic.count, "the header")
        version = try Self.version(&reader)
        // The least that an entry takes: name length, number of dimensions, type and offset; key length, type and value.
        tensorCount = try reader.count(ofSize: 24, "the number of tensors")
        metadataCount = try reader.count(ofSize: 13, "the number of metadata entries")
    }

    private static func version(_ reader: inout ByteReader) throws(InferenceError) -> Int {
        let version = try reader.integer(UInt32.self, "the header")
        switch version {
        case 2, 3: return Int(version)
        case 1:
            throw InferenceError(.unsupportedModel, "\(reader.name) is in version 1 of GGUF, which is obsolete. Convert the model again.")
        case let version where version & 0xFFFF == 0 && version != 0:
            throw InferenceError(
                .unsupportedModel,
                "\(reader.name) is a big-endian GGUF file. Get the little-endian one, or convert the model again."
            )
        default:
            throw InferenceError(
                .unsupportedModel,
                "\(reader.name) says it is in version \(version) of GGUF; versions 2 and 3 are supported."
            )
        }
    }
}
