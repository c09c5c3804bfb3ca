/// Reads little-endian values from a file's bytes, each only after a check that it lies inside.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    /// The file's name, for messages.
    let name: String
    private(set) var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, name: String, offset: Int = 0) {
        self.bytes = bytes
        self.name = name
        self.offset = offset
    }

    var remaining: Int { bytes.count - offset }

    /// The next integer; `what` says what it is, for the message if the file ends before it.
    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type, _ what: StaticString) throws(InferenceError) -> Value {
        let size = Value.bitWidth / 8
        guard remaining >= size else { throw truncated(what) }
        defer { offset += size }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// A 64-bit offset, refused if it lies outside the file.
    mutating func fileOffset(_ what: StaticString) throws(InferenceError) -> Int {
        let value = try integer(UInt64.self, what)
        guard value <= UInt64(bytes.count) else { throw damaged("\(what) is \(value), but the file has \(bytes.count) bytes") }
        return Int(value)
    }

    /// A 64-bit count or length of things that take `size` bytes each at least, refused if the rest of the file can't hold so many.
    mutating func count(ofSize size: Int, _ what: StaticString) throws(InferenceError) -> Int {
        let value = try integer(UInt64.self, what)
        guard value <= UInt64(remaining / size) else {
            throw damaged("\(what) is \(value), more than the rest of the file (\(remaining) bytes) can hold")
        }
        return Int(value)
    }

    /// The range of a string that has its length in front, not looked into.
    mutating func stringRange(_ what: StaticString) throws(InferenceError) -> Range<Int> {
        let length = try count(ofSize: 1, what)
        defer { offset += length }
        return offset..<(offset + length)
    }

    mutating func string(_ what: StaticString, maxLength: Int) throws(InferenceError) -> String {
        let range = try stringRange(what)
        guard range.count <= maxLength else { throw damaged("\(what) has \(range.count) bytes, at most \(maxLength) are allowed") }
        guard let string = String(validating: bytes[range], as: UTF8.self) else { throw damaged("\(what) is not valid UTF-8") }
        return string
    }

    mutating func skip(_ count: Int, _ what: StaticString) throws(InferenceError) {
        guard count >= 0, count <= remaining else { throw truncated(what) }
        offset += count
    }

    func damaged(_ problem: String) -> InferenceError {
        InferenceError(.invalidModelFile, "\(name) is damaged near byte \(offset): \(problem). Download it again.")
    }

    private func truncated(_ what: StaticString) -> InferenceError {
        InferenceError(.invalidModelFile, "\(name) is truncated: it ends at byte \(bytes.count), inside \(what). Download it again.")
    }
}
