/// The pattern of GPT-2, by hand:
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
/// Source: OpenAI's `encoder.py` (Radford et al. 2019) and `ByteLevel` of Hugging Face's tokenizers. With `splitsDigits`, the text is
/// first cut before and behind every number (`Digits(individual_digits=True)`), and the pattern sees each part by itself: the end of a
/// part counts as the end of the text.
struct GPT2PreTokenizer: PreTokenizer {
    private let splitsDigits: Bool
    private let classes: ScalarClassTable

    init(splitsDigits: Bool) {
        self.splitsDigits = splitsDigits
        classes = splitsDigits ? .digits : .pattern
    }

    package func pieceEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let first = classes.next(in: text, at: start)
        switch first.class {
        case .space: return spaceEnd(in: text, from: start, first.end)
        case .number where splitsDigits: return first.end
        case .other where text[start] == UInt8(ascii: "'"):
            return contractionEnd(in: text, from: start) ?? runEnd(in: text, from: first.end, of: .other)
        default: return runEnd(in: text, from: first.end, of: first.class)
        }
    }

    private func runEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int, of kind: ScalarClass) -> Int {
        var end = start
        while end < text.count {
            let next = classes.next(in: text, at: end)
            guard next.class == kind else { break }
            end = next.end
        }
        return end
    }

    private func spaceEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int, _ firstEnd: Int) -> Int {
        // A single blank belongs to the word behind it.
        if text[start] == UInt8(ascii: " "), firstEnd < text.count {
            let next = classes.next(in: text, at: firstEnd)
            if next.class != .space, !endsPart(next.class) { return runEnd(in: text, from: next.end, of: next.class) }
        }
        var last = start
        var end = firstEnd
        while end < text.count {
            let next = classes.next(in: text, at: end)
            guard next.class == .space else {
                // `\s+(?!\S)` leaves the last one to what follows, if there is more than one.
                return endsPart(next.class) || last == start ? end : last
            }
            last = end
            end = next.end
        }
        return end
    }

    /// Whether a code point of this class begins a part of its own.
    private func endsPart(_ kind: ScalarClass) -> Bool {
        splitsDigits && kind == .number
    }

    private func contractionEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard start + 1 < text.count else { return nil }
        switch text[start + 1] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return end(UInt8(ascii: "e"))
        case UInt8(ascii: "l"): return end(UInt8(ascii: "l"))
        default: return nil
        }
        func end(_ last: UInt8) -> Int? { start + 2 < text.count && text[start + 2] == last ? start + 3 : nil }
    }
}
