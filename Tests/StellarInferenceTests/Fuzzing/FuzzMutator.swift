import Foundation

/// Makes hostile inputs of good ones: the same seed gives the same input.
struct FuzzMutator {
    private(set) var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

    mutating func pick<Element>(_ list: [Element], _ fallback: Element) -> Element { list.randomElement(using: &random) ?? fallback }

    mutating func index(_ count: Int) -> Int { count > 0 ? Int.random(in: 0..<count, using: &random) : 0 }

    // MARK: Bytes

    /// Integers at the edges of what readers compute with.
    private static let integers: [UInt64] = [
        0, 1, 2, 3, 4, 7, 8, 12, 16, 31, 32, 127, 128, 255, 256, 32_767, 65_535, 65_536, 1 << 24, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        1 << 32, 1 << 40, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, .max, .max - 1,
    ]

    /// A few changes to bytes.
    ///
    /// - Parameter front: Most changes are made in so many leading bytes, where a header is.
    mutating func bytes(_ original: [UInt8], front: Int, pieces: [[UInt8]] = []) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let area = chance(8) ? bytes.count : min(front, bytes.count)
            change(&bytes, at: index(area), pieces)
        }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], at place: Int, _ pieces: [[UInt8]]) {
        guard place < bytes.count else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
        let end = min(bytes.count, place + 1 << index(8))
        switch index(9) {
        case 0: bytes[place] ^= 1 << UInt8(index(8))
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2, 3: overwrite(&bytes, at: place)
        case 4: bytes.removeSubrange(place..<end)
        case 5: bytes.insert(contentsOf: Array(bytes[place..<end]), at: index(bytes.count))
        case 6: bytes.removeSubrange((chance(4) ? place : end)...)
        case 7: bytes.replaceSubrange(place..<(chance(2) ? place : end), with: pick(pieces, [0]))
        default: bytes.replaceSubrange(place..<end, with: bytes[index(bytes.count)...].prefix(end - place))
        }
    }

    private mutating func overwrite(_ bytes: inout [UInt8], at place: Int) {
        let value = chance(3) ? UInt64(max(0, bytes.count + Int.random(in: -4...4, using: &random))) : pick(Self.integers, 0)
        let size = 1 << index(4)
        for byte in 0..<size where place + byte < bytes.count { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }

    // MARK: JSON

    /// Values that no member expects.
    private static var scalars: [Any] {
        [
            NSNull(), true, false, 0, 1, -1, 2, 3, 5, 7, 64, 255, 1_000, 65_536, 1 << 20, 1 << 31, 1 << 40, Int.max, Int.min, 0.5, -0.0,
            1e-300, 1e300,
            "", "a", "BPE", "Sequence", "ByteLevel", "\u{0}", "\u{FEFF}", "é", "𝔘", "<0xFF>", " ", "(a|a)*b", "(?:a*)*c", "[",
            "\\p{L}{1000}", "(?=a)*",
            [Any](), [0], [1, 2, 3], [String: Any](), ["a": 1], [[[[[[[[1]]]]]]]],
        ]
    }

    /// A few changes to the values of a document, which stays JSON.
    mutating func json(_ document: Any) -> Any {
        var document = document
        for _ in 0..<Int.random(in: 1...4, using: &random) { document = changed(document, depth: 0) }
        return document
    }

    private mutating func changed(_ value: Any, depth: Int) -> Any {
        if depth < 12, !chance(6) {
            if let object = value as? [String: Any], !object.isEmpty { return changed(object, depth) }
            if let array = value as? [Any], !array.isEmpty { return changed(array, depth) }
        }
        switch index(4) {
        case 0: return [value, value]
        case 1: return number(value) ?? pick(Self.scalars, 0)
        case 2: return text(value) ?? pick(Self.scalars, 0)
        default: return pick(Self.scalars, 0)
        }
    }

    private mutating func changed(_ object: [String: Any], _ depth: Int) -> Any {
        var object = object
        let keys = object.keys.sorted()
        let key = keys[index(keys.count)]
        switch index(10) {
        case 0: object[key] = nil
        case 1: object[key] = object[keys[index(keys.count)]]
        case 2: object[key + "x"] = object.removeValue(forKey: key)
        default: object[key] = object[key].map { changed($0, depth: depth + 1) }
        }
        return object
    }

    private mutating func changed(_ array: [Any], _ depth: Int) -> Any {
        var array = array
        let place = index(array.count)
        switch index(10) {
        case 0: array.remove(at: place)
        case 1: array.insert(array[index(array.count)], at: place)
        case 2: array.swapAt(place, index(array.count))
        case 3 where array.count < 64: array += array
        default: array[place] = changed(array[place], depth: depth + 1)
        }
        return array
    }

    private mutating func number(_ value: Any) -> Any? {
        guard let number = value as? Int else { return nil }
        switch index(5) {
        case 0: return number &+ 1
        case 1: return number &- 1
        case 2: return number &* 2
        case 3: return -Double(number)
        default: return String(number)
        }
    }

    private mutating func text(_ value: Any) -> Any? {
        guard let text = value as? String else { return nil }
        if chance(3) { return text + text }
        return String(decoding: bytes(Array(text.utf8), front: text.utf8.count, pieces: Self.patterns), as: UTF8.self)
    }

    private static let patterns: [[UInt8]] = [
        "(", ")", "[", "]", "{2,}", "*", "+", "?", "|", "\\p{L}", "\\s", "^", "$", "(?!", "(?<=", "(?>", "++", "&&", "\\b", "▁", " ",
    ].map { Array($0.utf8) }
    private static let fragments: [[UInt8]] = [
        "\"", "{", "[", "]", "}", ",", "1e999", "\\ud800", "\u{0}", "-",
    ].map { Array($0.utf8) }

    /// The document as text, now and then with damaged bytes, digits or nesting.
    mutating func serialized(_ document: Any) -> [UInt8] {
        let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
        let data = try? JSONSerialization.data(withJSONObject: document, options: options)
        var text = Array(data ?? Data("{}".utf8))
        if chance(4) { text = bytes(text, front: text.count, pieces: Self.fragments) }
        if chance(200) { text.insert(contentsOf: [UInt8](repeating: UInt8(ascii: "["), count: 100_000), at: index(text.count)) }
        return text
    }
}
