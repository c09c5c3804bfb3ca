/// Changes text before it is cut into pieces: steps one after the other.
struct TextNormalizer: Sendable {
    enum Step: Sendable {
        case unicode(UnicodeNormalization)
        case lowercase
        case prepend([UInt8])
        case replace(TextPattern, with: [UInt8])
        case strip(left: Bool, right: Bool)
        case stripAccents
        /// GPT-2's alphabet in place of bytes.
        case byteLevel
    }

    var steps: [Step] = []

    /// How many times as long as it was text can become; what is put in front counts as if it were for each byte.
    var greatestGrowth: Double {
        steps.reduce(1) { product, step in
            switch step {
            // The longest composition or decomposition: U+FDFA of three bytes becomes 33.
            case .unicode: product * 11
            case .lowercase: product * 1.5
            case .byteLevel: product * 2
            case .prepend(let text): product * Double(1 + text.count)
            case .replace(.literal(let literal), let text): product * max(1, Double(text.count) / Double(max(1, literal.count)))
            case .replace(.regex, let text): product * Double(1 + text.count)
            case .strip, .stripAccents: product
            }
        }
    }

    func normalized(_ text: [UInt8]) -> [UInt8] {
        steps.reduce(text) { Self.apply($1, $0) }
    }

    private static func apply(_ step: Step, _ text: [UInt8]) -> [UInt8] {
        switch step {
        case .unicode(let form): form.normalized(text)
        case .lowercase: Lowercase.lowercased(text)
        case .prepend(let prefix): text.isEmpty ? text : prefix + text
        case .replace(let pattern, let replacement): pattern.replacing(in: text, with: replacement)
        case .strip(let left, let right): stripped(text, left, right)
        case .stripAccents: filtered(text) { !UnicodeData.accents.contains($0) }
        case .byteLevel: ByteLevelAlphabet.spelled(text[...])
        }
    }

    private static func filtered(_ text: [UInt8], _ isKept: (UInt32) -> Bool) -> [UInt8] {
        text.withUnsafeBufferPointer { bytes in
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count)
            var position = 0
            while position < bytes.count {
                let next = bytes.scalar(at: position)
                if isKept(next.value) { result += bytes[position..<next.end] }
                position = next.end
            }
            return result
        }
    }

    private static func stripped(_ text: [UInt8], _ left: Bool, _ right: Bool) -> [UInt8] {
        text.withUnsafeBufferPointer { bytes in
            var start = 0
            var end = bytes.count
            while left, start < end, UnicodeData.splitterSpaces.contains(bytes.scalar(at: start).value) {
                start = bytes.scalar(at: start).end
            }
            while right, start < end {
                let last = bytes.start(ofScalarBefore: end)
                guard UnicodeData.splitterSpaces.contains(bytes.scalar(at: last).value) else { break }
                end = last
            }
            return Array(bytes[start..<max(start, end)])
        }
    }
}

/// Lower case scalar by scalar, without regard to what is around.
private enum Lowercase {
    private static let table: [UInt32: [UInt8]] = {
        let numbers = UnicodeData.numbers(UnicodeTables.lowercase)
        var result: [UInt32: [UInt8]] = [:]
        var index = 0
        while index + 1 < numbers.count {
            let end = min(index + 2 + Int(numbers[index + 1]), numbers.count)
            var text: [UInt8] = []
            for scalar in numbers[(index + 2)..<end] { text.append(scalar: scalar) }
            result[numbers[index]] = text
            index = end
        }
        return result
    }()

    static func lowercased(_ text: [UInt8]) -> [UInt8] {
        text.withUnsafeBufferPointer { bytes in
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count)
            var position = 0
            while position < bytes.count {
                let next = bytes.scalar(at: position)
                if next.value < 0x80 {
                    result.append(0x41...0x5A ~= next.value ? UInt8(next.value + 0x20) : UInt8(next.value))
                } else if let lower = table[next.value] {
                    result += lower
                } else {
                    result += bytes[position..<next.end]
                }
                position = next.end
            }
            return result
        }
    }
}

/// What a splitter or a replacement looks for.
enum TextPattern: Sendable {
    case literal([UInt8])
    case regex(Regex)

    func forEachMatch(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
        switch self {
        case .regex(let regex): regex.forEachMatch(in: text, body)
        case .literal(let literal):
            guard let first = literal.first, literal.count <= text.count else { return }
            var position = 0
            while position <= text.count - literal.count {
                if text[position] == first, text[position..<(position + literal.count)].elementsEqual(literal) {
                    body(position..<(position + literal.count))
                    position += literal.count
                } else {
                    position += 1
                }
            }
        }
    }

    func replacing(in text: [UInt8], with replacement: [UInt8]) -> [UInt8] {
        text.withUnsafeBufferPointer { bytes in
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count)
            var end = 0
            forEachMatch(in: bytes) { match in
                result += bytes[end..<match.lowerBound]
                result += replacement
                end = match.upperBound
            }
            result += bytes[end...]
            return result
        }
    }
}

extension ByteLevelAlphabet {
    /// The UTF-8 of each byte's code point.
    private static let spellings: [[UInt8]] = scalars.map { Array(String($0).utf8) }

    /// Bytes as the alphabet writes them.
    static func spelled(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for byte in bytes { result += spellings[Int(byte)] }
        return result
    }
}
