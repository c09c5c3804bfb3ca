/// Cuts a template into tokens as Jinja 3.1 does with `trim_blocks` and `lstrip_blocks`.
struct JinjaLexer {
    private let source: [UInt8]
    private var position = 0
    private var line = 1
    private var tokens: [JinjaToken] = []

    private init(source: [UInt8]) { self.source = source }

    /// - Throws: ``JinjaError`` of kind `syntax`.
    static func tokens(of source: [UInt8]) throws -> [JinjaToken] {
        var lexer = JinjaLexer(source: source)
        try lexer.run()
        return lexer.tokens
    }

    /// The source with all line ends as `\n`, and without the last one.
    static func normalized(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte == 0x0D { result.append(0x0A) } else if byte != 0x0A || previous != 0x0D { result.append(byte) }
            previous = byte
        }
        if result.last == 0x0A { result.removeLast() }
        return result
    }

    private mutating func run() throws {
        while position < source.count {
            let start = position
            guard let tag = nextTag() else {
                emitData(start..<source.count)
                position = source.count
                break
            }
            switch source[tag + 1] {
            case UInt8(ascii: "#"): try lexComment(text: start..<tag)
            case UInt8(ascii: "{"):
                openTag(text: start..<tag, stripsIndent: false)
                try lexTag(.outputBegin, .outputEnd, at: tag)
            default:
                if try lexRaw(text: start..<tag) { continue }
                openTag(text: start..<tag, stripsIndent: true)
                try lexTag(.blockBegin, .blockEnd, at: tag)
            }
        }
        tokens.append(JinjaToken(kind: .end, line: line, offset: source.count))
    }

    private func nextTag() -> Int? {
        var index = position
        while index + 1 < source.count {
            if source[index] == UInt8(ascii: "{"), [UInt8(ascii: "%"), UInt8(ascii: "{"), UInt8(ascii: "#")].contains(source[index + 1]) {
                return index
            }
            index += 1
        }
        return nil
    }

    // MARK: Text

    /// Emits the text before a tag, stripped as the tag's sign says, and moves behind the tag's opening.
    private mutating func openTag(text: Range<Int>, stripsIndent: Bool) {
        let sign = byte(text.upperBound + 2)
        emitData(stripped(text, sign: sign, stripsIndent: stripsIndent))
        advance(to: text.upperBound + (isSign(sign) ? 3 : 2))
    }

    private func stripped(_ text: Range<Int>, sign: UInt8?, stripsIndent: Bool) -> Range<Int> {
        var end = text.upperBound
        if sign == UInt8(ascii: "-") {
            while let previous = whitespaceStart(before: end, from: text.lowerBound) { end = previous }
        } else if sign != UInt8(ascii: "+"), stripsIndent {
            let lineStart = source[text].lastIndex(of: 0x0A).map { $0 + 1 } ?? text.lowerBound
            let startsLine = lineStart > text.lowerBound || text.lowerBound == 0 || source[text.lowerBound - 1] == 0x0A
            if startsLine, skipWhitespace(from: lineStart) >= text.upperBound { end = lineStart }
        }
        return text.lowerBound..<end
    }

    private mutating func emitData(_ range: Range<Int>) {
        if !range.isEmpty { tokens.append(JinjaToken(kind: .data(Array(source[range])), line: line, offset: range.lowerBound)) }
    }

    private mutating func lexComment(text: Range<Int>) throws {
        let begin = text.upperBound
        openTag(text: text, stripsIndent: true)
        var index = position
        while index + 1 < source.count, !(source[index] == UInt8(ascii: "#") && source[index + 1] == UInt8(ascii: "}")) { index += 1 }
        guard index + 1 < source.count else { throw error("Missing end of comment tag", at: begin) }
        let sign = index > position ? source[index - 1] : 0
        advance(to: afterClosing(index + 2, sign: sign, trims: true))
    }

    /// A `raw` block, if there is one at the tag behind `text`.
    private mutating func lexRaw(text: Range<Int>) throws -> Bool {
        guard let opening = keywordTag("raw", at: text.upperBound), opening.endSign != UInt8(ascii: "+") else { return false }
        emitData(stripped(text, sign: opening.sign, stripsIndent: true))
        let begin = text.upperBound
        advance(to: afterClosing(opening.end, sign: opening.endSign, trims: false))
        let start = position
        var index = start
        while index < source.count {
            if let closing = keywordTag("endraw", at: index) {
                emitData(stripped(start..<index, sign: closing.sign, stripsIndent: true))
                advance(to: afterClosing(closing.end, sign: closing.endSign, trims: true))
                return true
            }
            index += 1
        }
        throw error("Missing end of raw directive", at: begin)
    }

    /// `{%[-+] keyword [-+]%}` at `start`: its signs and its end.
    private func keywordTag(_ keyword: String, at start: Int) -> (sign: UInt8?, endSign: UInt8, end: Int)? {
        guard byte(start) == UInt8(ascii: "{"), byte(start + 1) == UInt8(ascii: "%") else { return nil }
        let sign = byte(start + 2)
        var index = skipWhitespace(from: start + (isSign(sign) ? 3 : 2))
        guard source[index...].starts(with: keyword.utf8) else { return nil }
        index = skipWhitespace(from: index + keyword.utf8.count)
        var endSign: UInt8 = 0
        if let found = byte(index), isSign(found) {
            endSign = found
            index += 1
        }
        guard byte(index) == UInt8(ascii: "%"), byte(index + 1) == UInt8(ascii: "}") else { return nil }
        return (isSign(sign) ? sign : nil, endSign, index + 2)
    }

    /// Where text goes on behind a tag that ended at `end` with `sign` before its closing.
    private func afterClosing(_ end: Int, sign: UInt8, trims: Bool) -> Int {
        if sign == UInt8(ascii: "-") { return skipWhitespace(from: end) }
        return trims && sign != UInt8(ascii: "+") && byte(end) == 0x0A ? end + 1 : end
    }

    // MARK: Tags

    private mutating func lexTag(_ begin: JinjaToken.Kind, _ end: JinjaToken.Kind, at tag: Int) throws {
        tokens.append(JinjaToken(kind: begin, line: line, offset: tag))
        var brackets: [UInt8] = []
        while true {
            advance(to: skipWhitespace(from: position))
            guard position < source.count else { return }
            if brackets.isEmpty, closeTag(end) { return }
            try lexToken(&brackets)
        }
    }

    private mutating func closeTag(_ end: JinjaToken.Kind) -> Bool {
        let mark = end == .blockEnd ? UInt8(ascii: "%") : UInt8(ascii: "}")
        var index = position
        var sign: UInt8 = 0
        if source[index] == UInt8(ascii: "-") || (end == .blockEnd && source[index] == UInt8(ascii: "+")) {
            sign = source[index]
            index += 1
        }
        guard byte(index) == mark, byte(index + 1) == UInt8(ascii: "}") else { return false }
        tokens.append(JinjaToken(kind: end, line: line, offset: position))
        advance(to: afterClosing(index + 2, sign: sign, trims: end == .blockEnd))
        return true
    }

    private mutating func lexToken(_ brackets: inout [UInt8]) throws {
        let start = position
        let first = source[start]
        let kind: JinjaToken.Kind
        let end: Int
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): (kind, end) = try lexNumber(start)
        case UInt8(ascii: "'"), UInt8(ascii: "\""): (kind, end) = try lexString(start, quote: first)
        case UInt8(ascii: "_"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
            (kind, end) = try lexName(start)
        default: (kind, end) = try lexSymbol(start, &brackets)
        }
        tokens.append(JinjaToken(kind: kind, line: line, offset: start))
        advance(to: end)
    }

    private func lexName(_ start: Int) throws -> (JinjaToken.Kind, Int) {
        let text = JinjaString(bytes: source)
        var index = start
        while index < source.count {
            let (scalar, width) = source[index] < 0x80 ? (Unicode.Scalar(source[index]), 1) : text.codePoint(at: index)
            let isPart = scalar == "_" || (index == start ? scalar.properties.isXIDStart : scalar.properties.isXIDContinue)
            guard isPart else { break }
            index += width
        }
        guard index > start else { throw error("unexpected char '\(text.codePoint(at: start).0)'", at: start) }
        return (.name(String(decoding: source[start..<index], as: UTF8.self)), index)
    }

    private func lexSymbol(_ start: Int, _ brackets: inout [UInt8]) throws -> (JinjaToken.Kind, Int) {
        let two = String(decoding: source[start..<min(start + 2, source.count)], as: UTF8.self)
        if ["//", "**", "==", "!=", ">=", "<="].contains(two) { return (.symbol(two), start + 2) }
        let first = source[start]
        guard "+-/*%~[](){}><=.:|,;".utf8.contains(first) else { throw error("unexpected char '\(Unicode.Scalar(first))'", at: start) }
        switch first {
        case UInt8(ascii: "("): brackets.append(UInt8(ascii: ")"))
        case UInt8(ascii: "["): brackets.append(UInt8(ascii: "]"))
        case UInt8(ascii: "{"): brackets.append(UInt8(ascii: "}"))
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
            guard let expected = brackets.popLast() else { throw error("unexpected '\(Unicode.Scalar(first))'", at: start) }
            guard expected == first else {
                throw error("unexpected '\(Unicode.Scalar(first))', expected '\(Unicode.Scalar(expected))'", at: start)
            }
        default: break
        }
        return (.symbol(String(Unicode.Scalar(first))), start + 1)
    }

    // MARK: Bytes

    private mutating func advance(to end: Int) {
        line += source[position..<end].reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
        position = end
    }

    private func byte(_ index: Int) -> UInt8? { index < source.count ? source[index] : nil }

    private func isSign(_ byte: UInt8?) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") }

    private func skipWhitespace(from start: Int) -> Int {
        var index = start
        while let width = whitespaceWidth(at: index) { index += width }
        return index
    }

    private func whitespaceWidth(at index: Int) -> Int? {
        guard index < source.count else { return nil }
        if source[index] < 0x80 { return Unicode.Scalar(source[index]).isPythonWhitespace ? 1 : nil }
        let (scalar, width) = JinjaString(bytes: source).codePoint(at: index)
        return scalar.isPythonWhitespace ? width : nil
    }

    private func whitespaceStart(before end: Int, from start: Int) -> Int? {
        var index = end - 1
        while index > start, source[index] & 0xC0 == 0x80 { index -= 1 }
        return index >= start && whitespaceWidth(at: index) == end - index ? index : nil
    }

    func error(_ message: String, at offset: Int) -> JinjaError { Self.error(message, at: offset, in: source) }

    static func error(_ message: String, at offset: Int, in source: [UInt8]) -> JinjaError {
        let before = source.prefix(offset)
        let line = before.reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let column = before[lineStart...].reduce(1) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
        return JinjaError(message, kind: .syntax, line: line, column: column)
    }
}

// MARK: - Literals

extension JinjaLexer {
    private func lexNumber(_ start: Int) throws -> (JinjaToken.Kind, Int) {
        if let (number, end) = lexDouble(start) { return (.double(number), end) }
        let (digits, radix, end) = lexInteger(start)
        guard let number = Int(digits, radix: radix) else { throw error("the integer \(digits) is too large", at: start) }
        return (.integer(number), end)
    }

    private func lexDouble(_ start: Int) -> (Double, Int)? {
        if start > 0, source[start - 1] == UInt8(ascii: ".") { return nil }
        var end = digits(from: start, isDigit: Self.isDecimal)
        var isDouble = false
        if byte(end) == UInt8(ascii: "."), case let fraction = digits(from: end + 1, isDigit: Self.isDecimal), fraction > end + 1 {
            end = fraction
            isDouble = true
        }
        if let mark = byte(end), mark | 0x20 == UInt8(ascii: "e") {
            let first = end + (isSign(byte(end + 1)) ? 2 : 1)
            let exponent = digits(from: first, isDigit: Self.isDecimal)
            if exponent > first {
                end = exponent
                isDouble = true
            }
        }
        guard isDouble, let number = Double(text(start..<end)) else { return nil }
        return (number, end)
    }

    private func lexInteger(_ start: Int) -> (digits: String, radix: Int, end: Int) {
        let radixes: [(UInt8, Int, (UInt8) -> Bool)] = [
            (UInt8(ascii: "b"), 2, { $0 == 0x30 || $0 == 0x31 }),
            (UInt8(ascii: "o"), 8, { (0x30...0x37).contains($0) }),
            (UInt8(ascii: "x"), 16, { Self.isDecimal($0) || (0x61...0x66).contains($0 | 0x20) }),
        ]
        if source[start] == UInt8(ascii: "0"), let mark = byte(start + 1) {
            for (letter, radix, isDigit) in radixes where mark | 0x20 == letter {
                let first = start + (byte(start + 2) == UInt8(ascii: "_") ? 3 : 2)
                let end = digits(from: first, isDigit: isDigit)
                if end > first { return (text(first..<end), radix, end) }
            }
            let end = digits(from: start, isDigit: { $0 == 0x30 })
            return ("0", 10, end)
        }
        let end = digits(from: start, isDigit: Self.isDecimal)
        return (text(start..<end), 10, end)
    }

    /// The end of a run of digits with single underscores between them.
    private func digits(from start: Int, isDigit: (UInt8) -> Bool) -> Int {
        var index = start
        while let current = byte(index) {
            if isDigit(current) {
                index += 1
            } else if current == UInt8(ascii: "_"), index > start, let next = byte(index + 1), isDigit(next) {
                index += 1
            } else {
                break
            }
        }
        return index
    }

    private static func isDecimal(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: source[range].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
    }

    private func lexString(_ start: Int, quote: UInt8) throws -> (JinjaToken.Kind, Int) {
        var result: [UInt8] = []
        var index = start + 1
        while let current = byte(index), current != quote {
            guard current == UInt8(ascii: "\\") else {
                result.append(current)
                index += 1
                continue
            }
            index = try lexEscape(index + 1, into: &result)
        }
        guard index < source.count else { throw error("unexpected char '\(Unicode.Scalar(quote))': the string does not end", at: start) }
        return (.string(result), index + 1)
    }

    /// One escape sequence of Python's `unicode-escape`, from behind its backslash.
    private func lexEscape(_ start: Int, into result: inout [UInt8]) throws -> Int {
        guard let letter = byte(start) else { return start }
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "n"): 10, UInt8(ascii: "t"): 9, UInt8(ascii: "r"): 13, UInt8(ascii: "\\"): 92, UInt8(ascii: "'"): 39,
            UInt8(ascii: "\""): 34, UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "v"): 11,
        ]
        if let value = simple[letter] {
            result.append(value)
            return start + 1
        }
        switch letter {
        case 0x0A: return start + 1
        case UInt8(ascii: "x"): return try lexCodePoint(start + 1, digits: 2, into: &result)
        case UInt8(ascii: "u"): return try lexCodePoint(start + 1, digits: 4, into: &result)
        case UInt8(ascii: "U"): return try lexCodePoint(start + 1, digits: 8, into: &result)
        case UInt8(ascii: "N"): throw error("escapes by character name are not supported", at: start)
        case 0x30...0x37:
            var end = start
            while end < start + 3, let digit = byte(end), (0x30...0x37).contains(digit) { end += 1 }
            appendScalar(UInt32(text(start..<end), radix: 8) ?? 0, to: &result)
            return end
        default:
            result.append(UInt8(ascii: "\\"))
            return start
        }
    }

    private func lexCodePoint(_ start: Int, digits count: Int, into result: inout [UInt8]) throws -> Int {
        let range = start..<min(start + count, source.count)
        let isHexadecimal = source[range].allSatisfy { Self.isDecimal($0) || (0x61...0x66).contains($0 | 0x20) }
        guard range.count == count, isHexadecimal, let value = UInt32(text(range), radix: 16), value <= 0x10FFFF else {
            throw error("truncated or invalid escape in a string", at: start)
        }
        appendScalar(value, to: &result)
        return range.upperBound
    }

    /// Lone surrogates, which UTF-8 can't hold, become U+FFFD.
    private func appendScalar(_ value: UInt32, to result: inout [UInt8]) {
        result.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
    }
}
