internal import Foundation

/// The one way in which wire types become bytes and bytes become wire types.
///
/// Encoding is byte-stable: keys in ascending order (the one fixed order that `JSONEncoder` can keep; it holds objects as dictionaries and
/// so loses the order of declaration), no white space, slashes not escaped. Every function may be called from any thread.
public enum JSONCoding {
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    /// The UTF-8 bytes of `value` as JSON.
    ///
    /// - Throws: `EncodingError` for a number that JSON can't hold (infinite or not a number).
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        if let bytes = (value as? any DirectJSON)?.directJSON { return bytes }
        return try encodeGenerically(value)
    }

    /// Like ``encode(_:)``, without short cuts.
    package static func encodeGenerically(_ value: some Encodable) throws -> [UInt8] {
        [UInt8](try encoder.encode(value))
    }

    /// Reads a value of `type` from the UTF-8 bytes of one JSON document (RFC 8259).
    ///
    /// A byte order mark is skipped. Where an object repeats a key, the last one counts. At most 256 levels of nesting.
    ///
    /// - Throws: ``APIError`` with status 400 that names the field at fault.
    public static func decode<Value: Decodable>(_ type: Value.Type, from bytes: some Collection<UInt8>) throws(APIError) -> Value {
        let document = Array(withoutByteOrderMark(bytes))
        guard !document.isEmpty else {
            throw .invalidRequest("The request body is empty: send a JSON object.")
        }
        let value = try JSONParser.parse(document)
        do {
            return try JSONValueDecoder(value).decode(type)
        } catch let error as DecodingError {
            throw .from(error)
        } catch let error as APIError {
            throw error
        } catch {
            throw .invalidRequest("The request body could not be read.")
        }
    }

    private static func withoutByteOrderMark<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        return bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    }
}
