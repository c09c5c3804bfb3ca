/// The normalisation forms of Unicode (UAX #15) with the tables of the reference tokenizers' Unicode version.
enum UnicodeNormalization: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    private struct Tables: Sendable {
        /// Decompositions as ranges of `scalars`, by scalar.
        var canonical: [UInt32: Range<Int>] = [:]
        var compatible: [UInt32: Range<Int>] = [:]
        var scalars: [UInt32] = []
        var compositions: [UInt64: UInt32] = [:]
        /// Combining classes by scalar; 0 is left out.
        var classes: [UInt32: UInt8] = [:]
        /// What may change or move: anything that decomposes, combines with what is before it, or has a combining class.
        var active = ScalarSet(.none)

        init() {
            var ranges: [Range<UInt32>] = [0xAC00..<0xD7A4, 0x1100..<0x1200]
            canonical = Self.decompositions(UnicodeTables.canonical, &scalars)
            compatible = Self.decompositions(UnicodeTables.compatible, &scalars)
            for scalar in Array(canonical.keys) + Array(compatible.keys) { ranges.append(scalar..<(scalar + 1)) }
            let classNumbers = UnicodeData.numbers(UnicodeTables.combiningClasses)
            var place: UInt32 = 0
            var kind: UInt32 = 0
            for index in stride(from: 0, to: classNumbers.count - 1, by: 2) {
                let next = place + classNumbers[index]
                if kind != 0 {
                    for scalar in place..<next { classes[scalar] = UInt8(truncatingIfNeeded: kind) }
                    ranges.append(place..<next)
                }
                (place, kind) = (next, classNumbers[index + 1])
            }
            let triples = UnicodeData.numbers(UnicodeTables.compositions)
            for index in stride(from: 0, to: triples.count - 2, by: 3) {
                compositions[UInt64(triples[index]) << 32 | UInt64(triples[index + 1])] = triples[index + 2]
                ranges.append(triples[index + 1]..<(triples[index + 1] + 1))
            }
            active = ScalarSet(ScalarRanges(ranges))
        }

        private static func decompositions(_ table: StaticString, _ scalars: inout [UInt32]) -> [UInt32: Range<Int>] {
            let numbers = UnicodeData.numbers(table)
            var result: [UInt32: Range<Int>] = [:]
            var index = 0
            while index + 1 < numbers.count {
                let end = min(index + 2 + Int(numbers[index + 1]), numbers.count)
                result[numbers[index]] = scalars.count..<(scalars.count + end - index - 2)
                scalars += numbers[(index + 2)..<end]
                index = end
            }
            return result
        }
    }

    private static let tables = Tables()

    /// The normalised form of UTF-8 text.
    func normalized(_ text: [UInt8]) -> [UInt8] {
        let isUnchanged = text.withUnsafeBufferPointer { bytes in
            var position = 0
            while position < bytes.count {
                let next = bytes.scalar(at: position)
                if next.value >= 0x80, Self.tables.active.contains(next.value) { return false }
                position = next.end
            }
            return true
        }
        return isUnchanged ? text : normalizedSlowly(text)
    }

    private func normalizedSlowly(_ text: [UInt8]) -> [UInt8] {
        var scalars: [UInt32] = []
        scalars.reserveCapacity(text.count)
        text.withUnsafeBufferPointer { bytes in
            var position = 0
            while position < bytes.count {
                let next = bytes.scalar(at: position)
                decompose(next.value, into: &scalars)
                position = next.end
            }
        }
        Self.order(&scalars)
        if self == .nfc || self == .nfkc { Self.compose(&scalars) }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for scalar in scalars { result.append(scalar: scalar) }
        return result
    }

    private func decompose(_ scalar: UInt32, into scalars: inout [UInt32]) {
        if scalar < 0x80 {
            scalars.append(scalar)
        } else if 0xAC00..<0xD7A4 ~= scalar {
            let index = scalar - 0xAC00
            scalars += [0x1100 + index / 588, 0x1161 + index % 588 / 28]
            if index % 28 != 0 { scalars.append(0x11A7 + index % 28) }
        } else if self == .nfkc || self == .nfkd, let range = Self.tables.compatible[scalar] {
            scalars += Self.tables.scalars[range]
        } else if let range = Self.tables.canonical[scalar] {
            scalars += Self.tables.scalars[range]
        } else {
            scalars.append(scalar)
        }
    }

    private static func combiningClass(_ scalar: UInt32) -> UInt8 {
        scalar < 0x300 ? 0 : tables.classes[scalar] ?? 0
    }

    /// Puts marks into the canonical order.
    private static func order(_ scalars: inout [UInt32]) {
        var start = 0
        while start < scalars.count {
            guard combiningClass(scalars[start]) != 0 else {
                start += 1
                continue
            }
            var end = start + 1
            while end < scalars.count, combiningClass(scalars[end]) != 0 { end += 1 }
            if end - start > 1 {
                // The standard sort is stable.
                scalars[start..<end].sort { combiningClass($0) < combiningClass($1) }
            }
            start = end
        }
    }

    private static func compose(_ scalars: inout [UInt32]) {
        var output = 0
        var starter = -1
        var lastClass: UInt8 = 0
        for scalar in scalars {
            let kind = combiningClass(scalar)
            let isBlocked = starter >= 0 && output - starter > 1 && (lastClass >= kind || lastClass == 0)
            if starter >= 0, !isBlocked, let composed = composition(scalars[starter], scalar) {
                scalars[starter] = composed
                continue
            }
            if kind == 0 { starter = output }
            lastClass = kind
            scalars[output] = scalar
            output += 1
        }
        scalars.removeLast(scalars.count - output)
    }

    private static func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if 0x1100..<0x1113 ~= first, 0x1161..<0x1176 ~= second { return 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28 }
        if 0xAC00..<0xD7A4 ~= first, (first - 0xAC00) % 28 == 0, 0x11A8..<0x11C3 ~= second { return first + second - 0x11A7 }
        return tables.compositions[UInt64(first) << 32 | UInt64(second)]
    }
}
