/// The patterns of Llama 3, Qwen 2 and their kin, by hand:
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
///
/// Source: the `tokenizer.json` files of these models; they differ in how many digits make a piece.
struct WordPreTokenizer: PreTokenizer {
    private let longestNumber: Int
    private let classes = ScalarClassTable.pattern

    init(longestNumber: Int) {
        self.longestNumber = longestNumber
    }

    package func pieceEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let byte = text[start]
        if byte == UInt8(ascii: "'"), let end = contractionEnd(in: text, from: start) { return end }
        let first = classes.next(in: text, at: start)
        switch first.class {
        case .letter: return runEnd(in: text, from: first.end, of: .letter)
        case .number: return numberEnd(in: text, from: first.end)
        default: break
        }
        let isLineEnd = byte == 0x0A || byte == 0x0D
        if first.end < text.count {
            let second = classes.next(in: text, at: first.end)
            if !isLineEnd, second.class == .letter { return runEnd(in: text, from: second.end, of: .letter) }
            if byte == 0x20, second.class == .other || second.class == .numeral { return symbolsEnd(in: text, from: second.end) }
        }
        return first.class == .space ? spaceEnd(in: text, from: start, first.end) : symbolsEnd(in: text, from: first.end)
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

    private func numberEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var end = start
        var count = 1
        while count < longestNumber, end < text.count {
            let next = classes.next(in: text, at: end)
            guard next.class == .number else { break }
            end = next.end
            count += 1
        }
        return end
    }

    private func symbolsEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var end = runEnd(in: text, from: start, of: .other)
        while end < text.count, text[end] == 0x0A || text[end] == 0x0D { end += 1 }
        return end
    }

    private func spaceEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int, _ firstEnd: Int) -> Int {
        var end = start
        var last = start
        var afterLineEnd = -1
        while end < text.count {
            let next = classes.next(in: text, at: end)
            guard next.class == .space else { break }
            last = end
            if text[end] == 0x0A || text[end] == 0x0D { afterLineEnd = next.end }
            end = next.end
        }
        if afterLineEnd > 0 { return afterLineEnd }
        // `\s+(?!\S)` leaves the last one to what follows, if there is more than one.
        return end == text.count || last == start ? end : last
    }

    private func contractionEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard start + 1 < text.count else { return nil }
        let second = text[start + 1] | 0x20
        switch text[start + 1] {
        case 0xC5: return start + 2 < text.count && text[start + 2] == 0xBF ? start + 3 : nil  // ſ, another form of s
        case 0x80...: return nil
        default: break
        }
        let third = start + 2 < text.count ? text[start + 2] | 0x20 : 0
        switch (second, third) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _): return start + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")), (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return text[start + 2] < 0x80 ? start + 3 : nil
        default: return nil
        }
    }
}
