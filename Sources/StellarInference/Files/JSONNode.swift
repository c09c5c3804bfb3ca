/// A JSON document in memory, for the files that come with a model.
///
/// Values of the same bytes only are found and compared as keys: canonically equivalent texts are different tokens.
package enum JSONNode: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits 64 bits.
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONNode])
    case object(JSONObject)

    /// Reads one document (RFC 8259) strictly. Of members with the same key the last one counts; a surrogate that stands alone becomes
    /// U+FFFD; arrays and objects are nested at most ``JSONFileParser/maxDepth`` levels.
    ///
    /// - Parameter name: what messages call the file.
    /// - Throws: ``InferenceError`` `invalidModelFile` with the place of the fault.
    package init(parsing bytes: UnsafeRawBufferPointer, name: String) throws(InferenceError) {
        self = try JSONFileParser.parse(bytes, name: name)
    }

    /// The member of an object; `nil` if this is no object or has no such member. A member that is `null` is ``null``.
    package subscript(key: String) -> JSONNode? { object?[key] }

    package var isNull: Bool {
        if case .null = self { return true }
        return false
    }

    package var bool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    package var integer: Int? {
        if case .integer(let value) = self { return value }
        return nil
    }

    /// Also of integers.
    package var double: Double? {
        switch self {
        case .number(let value): return value
        case .integer(let value): return Double(value)
        default: return nil
        }
    }

    package var string: String? {
        if case .string(let value) = self { return value }
        return nil
    }

    package var array: [JSONNode]? {
        if case .array(let value) = self { return value }
        return nil
    }

    package var object: JSONObject? {
        if case .object(let value) = self { return value }
        return nil
    }
}

/// The members of a JSON object in the order of the file.
package struct JSONObject: Sendable, Equatable, RandomAccessCollection {
    package typealias Element = (key: String, value: JSONNode)

    private struct Member: Sendable, Equatable {
        var key: String
        var value: JSONNode
    }

    /// Objects with more members than this have an index.
    private static let longestScan = 8
    private var members: [Member] = []
    /// Open addressing; −1 is free. A power of two in size, at most half full; empty if there are few members.
    private var slots: [Int32] = []
    /// A key that the file gives more than once, if there is one.
    package private(set) var repeatedKey: String?

    package init() {}

    package var startIndex: Int { 0 }
    package var endIndex: Int { members.count }

    package subscript(position: Int) -> Element {
        (members[position].key, members[position].value)
    }

    package subscript(key: String) -> JSONNode? {
        place(of: key).map { members[$0].value }
    }

    package static func == (left: JSONObject, right: JSONObject) -> Bool { left.members == right.members }

    /// Adds a member; one that has the key already gets the new value.
    mutating func set(_ key: String, _ value: JSONNode) {
        if slots.isEmpty {
            if let place = place(of: key) {
                members[place].value = value
                repeatedKey = key
            } else {
                members.append(Member(key: key, value: value))
                if members.count > Self.longestScan { grow() }
            }
            return
        }
        let slot = slot(of: key)
        if slots[slot] >= 0 {
            members[Int(slots[slot])].value = value
            repeatedKey = key
            return
        }
        slots[slot] = Int32(truncatingIfNeeded: members.count)
        members.append(Member(key: key, value: value))
        if members.count * 2 > slots.count { grow() }
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: Swift.max(slots.count * 4, 32))
        for (number, member) in members.enumerated() { slots[slot(of: member.key)] = Int32(truncatingIfNeeded: number) }
    }

    private func place(of key: String) -> Int? {
        if slots.isEmpty { return members.firstIndex { $0.key.hasSameBytes(as: key) } }
        let place = slots[slot(of: key)]
        return place < 0 ? nil : Int(place)
    }

    /// The slot that holds `key`, or the free one where it belongs. There are slots.
    private func slot(of key: String) -> Int {
        var slot = key.byteHash & (slots.count - 1)
        while slots[slot] >= 0, !members[Int(slots[slot])].key.hasSameBytes(as: key) { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }
}

extension String {
    /// Whether the UTF-8 bytes are the same; `==` would take canonically equivalent texts for equal.
    func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    /// A hash of the UTF-8 bytes, seeded per process: no file can be made that fills one chain of a table.
    fileprivate var byteHash: Int {
        var text = self
        return text.withUTF8 { bytes in
            var hasher = Hasher()
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
            return hasher.finalize()
        }
    }
}
