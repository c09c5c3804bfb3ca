/// A model in GGUF format, versions 2 and 3, little-endian: metadata and the places of its tensors, in one file or split into several.
///
/// Parsing checks every length, count, offset and product before it is used, reads no tensor data, and takes memory in proportion to the
/// file's size at most. Values are immutable and may be used from any thread.
///
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
package struct GGUFFile: Sendable {
    /// The first four bytes of every GGUF file.
    package static let magic: [UInt8] = Array("GGUF".utf8)

    /// The name of the (first) file, for messages.
    package let description: String
    /// The files; all but split models have one.
    package let parts: [FileBytes]
    package let version: Int
    /// Of the first part, where there are several.
    package let metadata: GGUFMetadata
    /// In the file's order.
    package let tensors: [GGUFTensor]
    /// Tensor data starts at a multiple of this, in bytes.
    package let alignment: Int
    private let indices: [String: Int]

    /// Maps and parses the file at `path`; if it is a part of a split model, the other parts beside it, too.
    ///
    /// - Throws: ``InferenceError`` `modelNotFound`; `invalidModelFile`; `unsupportedModel` for a version, byte order or tensor type
    ///   that is not known.
    package init(path: String) throws(InferenceError) {
        let file = try GGUFFile(FileBytes(try MappedFile(path: path)))
        if let split = try GGUFSplit(file) { self = try Self.joined(file, split, path: path) } else { self = file }
    }

    /// Parses a file that is already in memory; of a split model, only this part.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`.
    package init(_ file: FileBytes) throws(InferenceError) {
        var parser = GGUFMetadataParser(file: file)
        let header = try GGUFHeader(&parser.reader)
        let metadata = try Self.metadata(&parser, count: header.metadataCount, file.name)
        let alignment = try Self.alignment(metadata, parser.reader)
        let entries = try Self.entries(&parser.reader, count: header.tensorCount)
        description = file.name
        parts = [file]
        version = header.version
        self.metadata = metadata
        self.alignment = alignment
        tensors = try Self.place(entries, alignment, parser.reader)
        indices = try Self.index(tensors, file.name)
    }

    /// Takes the tensors of all `files` together; the rest is the first one's.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile` if a tensor occurs twice.
    init(parts files: [GGUFFile], name: String) throws(InferenceError) {
        guard let first = files.first else { throw InferenceError(.invalidModelFile, "\(name) has no parts.") }
        description = name
        parts = files.flatMap(\.parts)
        version = first.version
        metadata = first.metadata
        alignment = first.alignment
        tensors = files.enumerated().flatMap { part, file in file.tensors.map { $0.inPart(part) } }
        indices = try Self.index(tensors, name)
    }

    package func tensor(named name: String) -> GGUFTensor? {
        indices[name].map { tensors[$0] }
    }

    /// The stored blocks of a tensor of this file. Valid as long as this value or a copy of it lives.
    package func bytes(of tensor: GGUFTensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: parts[tensor.part].buffer[tensor.offset..<(tensor.offset + tensor.byteCount)])
    }

    private static func metadata(
        _ parser: inout GGUFMetadataParser,
        count: Int,
        _ fileName: String
    ) throws(InferenceError) -> GGUFMetadata {
        var metadata = GGUFMetadata(fileName: fileName)
        for _ in 0..<count {
            let key = try parser.reader.string("a metadata key", maxLength: 65535)
            let start = parser.reader.offset
            let value = try parser.value(try parser.type())
            guard metadata.insert(value, for: key, at: start..<parser.reader.offset) else {
                throw parser.reader.damaged("the key \(quoted(key)) occurs twice")
            }
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

    private static func index(_ tensors: [GGUFTensor], _ fileName: String) throws(InferenceError) -> [String: Int] {
        var indices = [String: Int](minimumCapacity: tensors.count)
        for (index, tensor) in tensors.enumerated() {
            guard indices.updateValue(index, forKey: tensor.name) == nil else {
                throw InferenceError(
                    .invalidModelFile,
                    "\(fileName) is damaged: the tensor name \(quoted(tensor.name)) occurs twice. Download it again."
                )
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
