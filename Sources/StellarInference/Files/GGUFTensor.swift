/// The place and form of a tensor in a GGUF file.
package struct GGUFTensor: Sendable, Equatable {
    package let name: String
    /// 0…4 sizes in GGUF's order: the first is the one whose elements are neighbours in memory. A matrix of R rows and C columns is [C, R].
    package let dimensions: [Int]
    package let type: TensorType
    /// Bytes from its file's start to the first block.
    package let offset: Int
    package let byteCount: Int
    /// Which of a split model's files the tensor is in.
    package var part = 0

    package var elementCount: Int { dimensions.reduce(1, *) }
}

extension GGUFTensor {
    /// Reads the entry of one tensor; its `offset` counts from the start of the tensor data.
    init(_ reader: inout ByteReader) throws(InferenceError) {
        name = try reader.string("a tensor's name", maxLength: 255)
        let rank = try reader.integer(UInt32.self, "a tensor's number of dimensions")
        guard rank <= 4 else { throw reader.damaged("tensor \(quoted(name)) has \(rank) dimensions, at most 4 are allowed") }
        var dimensions: [Int] = []
        var elements = 1
        for _ in 0..<rank {
            let size = try reader.integer(UInt64.self, "a tensor's dimensions")
            let product = elements.multipliedReportingOverflow(by: Int(truncatingIfNeeded: size))
            guard size > 0, size <= UInt64(Int.max), !product.overflow else {
                throw reader.damaged("tensor \(quoted(name)) has an impossible dimension of \(size)")
            }
            dimensions.append(Int(size))
            elements = product.partialValue
        }
        self.dimensions = dimensions
        type = try Self.type(&reader, name)
        offset = try reader.fileOffset("a tensor's offset")
        byteCount = try Self.byteCount(elements, dimensions.first ?? 1, type, reader, name)
    }

    private static func type(_ reader: inout ByteReader, _ name: String) throws(InferenceError) -> TensorType {
        let number = try reader.integer(UInt32.self, "a tensor's type")
        if let type = TensorType(rawValue: number) { return type }
        let remedy = "Use a file with tensors of another type, such as Q8_0 or F16."
        if let removed = TensorType.removedNames[number] {
            throw InferenceError(
                .unsupportedModel,
                "\(reader.name): tensor \(quoted(name)) has type \(removed), which the format no longer has. \(remedy)"
            )
        }
        throw InferenceError(
            .unsupportedModel,
            "\(reader.name): tensor \(quoted(name)) has type number \(number), which is not known. \(remedy)"
        )
    }

    private static func byteCount(
        _ elements: Int,
        _ rowLength: Int,
        _ type: TensorType,
        _ reader: ByteReader,
        _ name: String
    ) throws(InferenceError) -> Int {
        guard rowLength % type.blockSize == 0 else {
            throw reader.damaged(
                "tensor \(quoted(name)) has rows of \(rowLength) elements, no multiple of \(type.name)'s \(type.blockSize)"
            )
        }
        let bytes = (elements / type.blockSize).multipliedReportingOverflow(by: type.blockBytes)
        guard !bytes.overflow, bytes.partialValue <= reader.bytes.count else {
            throw reader.damaged("tensor \(quoted(name)) (\(elements) elements of type \(type.name)) is larger than the file")
        }
        return bytes.partialValue
    }

    /// The same tensor with its offset counted from `start`.
    func moved(by start: Int) -> GGUFTensor {
        GGUFTensor(name: name, dimensions: dimensions, type: type, offset: offset + start, byteCount: byteCount)
    }

    /// The same tensor in another one of a split model's files.
    func inPart(_ part: Int) -> GGUFTensor {
        var tensor = self
        tensor.part = part
        return tensor
    }
}
