/// GPT-2's alphabet: every byte is written as one visible code point in vocabularies (a blank as `Ġ`).
///
/// Source: `bytes_to_unicode` in OpenAI's `encoder.py`.
package enum ByteLevelAlphabet {
    /// The code point of each byte.
    package static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 256
        return (UInt8.min...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
            default:
                defer { next += 1 }
                return Unicode.Scalar(next) ?? " "
            }
        }
    }()

    /// The byte of each code point of the alphabet, by the code point's number; `nil` in between.
    static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: 512)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
        return bytes
    }()

    /// Appends the bytes that `text` stands for.
    ///
    /// - Returns: whether all of `text` is of the alphabet; if not, nothing is appended.
    static func appendBytes(of text: ArraySlice<UInt8>, to result: inout [UInt8]) -> Bool {
        let count = result.count
        let isSpelled = text.withUnsafeBufferPointer { text in
            var position = 0
            while position < text.count {
                let next = text.scalar(at: position)
                guard next.value < 512, let byte = bytes[Int(next.value)] else { return false }
                result.append(byte)
                position = next.end
            }
            return true
        }
        if !isSpelled { result.removeLast(result.count - count) }
        return isSpelled
    }
}
