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

    private static let decoder = JSONDecoder()

    /// Deepest nesting of arrays and objects that a document may have.
    public static let maxDepth = 256

    /// The UTF-8 bytes of `value` as JSON.
    ///
    /// - Throws: `EncodingError` for a number that JSON can't hold (infinite or not a number).
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        [UInt8](try encoder.encode(value))
    }

    /// Reads a value of `type` from the UTF-8 bytes of one JSON document (RFC 8259).
    ///
    /// A byte order mark is skipped. Where an object repeats a key, the first one counts. At most ``maxDepth`` levels of nesting.
    ///
    /// - Throws: ``APIError`` with status 400 that names the field at fault.
    public static func decode<Value: Decodable>(_ type: Value.Type, from bytes: some Collection<UInt8>) throws(APIError) -> Value {
        let document = Data(withoutByteOrderMark(bytes))
        guard !document.isEmpty else {
            throw .invalidRequest("The request body is empty: send a JSON object.")
        }
        guard isValidUTF8(document) else {
            throw .invalidRequest("The request body is not valid UTF-8.")
        }
        guard depth(of: document) <= maxDepth else {
            throw .invalidRequest("The request body is nested deeper than \(maxDepth) levels.")
        }
        do {
            return try decoder.decode(type, from: document)
        } catch let error as DecodingError {
            throw .from(error)
        } catch let error as APIError {
            throw error
        } catch {
            throw .invalidRequest("The request body could not be read as JSON.")
        }
    }

    private static func withoutByteOrderMark<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        return bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    }

    /// Deepest nesting of a document, well-formed or not. Checked beforehand because Foundation's own check (512 levels) reads past the
    /// end of a document that ends right where it applies, which is a trap.
    private static func depth(of document: Data) -> Int {
        var depth = 0
        var deepest = 0
        var inString = false
        var escaped = false
        for byte in document {
            switch byte {
            case _ where escaped: escaped = false
            case UInt8(ascii: "\\") where inString: escaped = true
            case UInt8(ascii: "\""): inString.toggle()
            case _ where inString: break
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return deepest
    }

    private static func isValidUTF8(_ data: Data) -> Bool {
        String(validating: data, as: UTF8.self) != nil
    }
}
