/// Reads regular expressions in the flavour of Oniguruma's Ruby syntax, which `tokenizer.json` files are written for.
///
/// What is not supported is refused by name: back references, conditions, `\X`, `\R`, `\K`, absent operators.
struct RegexParser {
    /// Deepest nesting of groups and classes; bounds the recursion.
    private static let maxDepth = 64
    static let mostRepetitions = 1000

    private let scalars: [Unicode.Scalar]
    private let pattern: String
    private var position = 0
    private var depth = 0
    private var ignoresCase = false
    private var dotMatchesNewline = false
    private var isExtended = false

    static func parse(_ pattern: String) throws(InferenceError) -> RegexNode {
        var parser = RegexParser(pattern)
        let node = try parser.alternation()
        guard parser.position == parser.scalars.count else { throw parser.refused("a closing parenthesis without an opening one") }
        return node
    }

    private init(_ pattern: String) {
        self.pattern = pattern
        scalars = Array(pattern.unicodeScalars)
    }

    private func refused(_ what: String) -> InferenceError {
        InferenceError(
            .unsupportedModel,
            "The tokenizer's regular expression \(quoted(pattern)) is not supported: \(what) at character \(position)."
        )
    }

    // MARK: Structure

    private mutating func alternation() throws(InferenceError) -> RegexNode {
        guard depth < Self.maxDepth else { throw refused("deeper nesting than \(Self.maxDepth)") }
        depth += 1
        let outer = (ignoresCase, dotMatchesNewline, isExtended)
        defer {
            depth -= 1
            (ignoresCase, dotMatchesNewline, isExtended) = outer
        }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternation(branches)
    }

    private mutating func sequence() throws(InferenceError) -> RegexNode {
        var nodes: [RegexNode] = []
        while let next = peek(), next != "|", next != ")" {
            if isExtended, skipExtended() { continue }
            let node = try atom()
            nodes.append(try repeated(node))
        }
        return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func skipExtended() -> Bool {
        guard let next = peek() else { return false }
        if next.properties.isWhitespace {
            position += 1
            return true
        }
        guard next == "#" else { return false }
        while let scalar = peek(), scalar != "\n" { position += 1 }
        return true
    }

    private mutating func repeated(_ atom: RegexNode) throws(InferenceError) -> RegexNode {
        var node = atom
        while let (least, most, isInterval) = try quantifier() {
            if node.canBeEmpty, most == nil { throw refused("a repetition of something that may be empty") }
            var greed = RegexNode.Greed.greedy
            if take("?") {
                if isInterval, least == most { throw refused("the quantifier {n}?") }
                greed = .lazy
            } else if !isInterval, take("+") {
                greed = .possessive
            }
            node = .repetition(node, least: least, most: most, greed)
        }
        return node
    }

    private mutating func quantifier() throws(InferenceError) -> (least: Int, most: Int?, isInterval: Bool)? {
        if take("*") { return (0, nil, false) }
        if take("+") { return (1, nil, false) }
        if take("?") { return (0, 1, false) }
        guard peek() == "{" else { return nil }
        let start = position
        position += 1
        let least = decimal()
        var most = least
        if take(",") { most = decimal() } else if least == nil { position = start }
        guard position > start, take("}"), least != nil || most != nil else {
            position = start
            return nil
        }
        let lower = least ?? 0
        guard lower <= Self.mostRepetitions, most ?? 0 <= Self.mostRepetitions, lower <= most ?? .max else {
            throw refused("a repetition that is too large or empty")
        }
        return (lower, most, true)
    }

    private mutating func decimal() -> Int? {
        var value: Int?
        while let digit = peek().flatMap({ Int(String($0)) }), value ?? 0 < 1_000_000 {
            value = (value ?? 0) * 10 + digit
            position += 1
        }
        return value
    }

    // MARK: Atoms

    private mutating func atom() throws(InferenceError) -> RegexNode {
        guard let next = peek() else { return .empty }
        position += 1
        switch next {
        case "(": return try group()
        case "[": return .set(try characterClass())
        case ".": return .set(dotMatchesNewline ? .all : ScalarRanges([0x0A..<0x0B]).inverted)
        case "^": return .assertion(.lineStart)
        case "$": return .assertion(.lineEnd)
        case "\\": return try escape()
        case "*", "+", "?": throw refused("a quantifier without anything before it")
        default:
            // A brace that is no quantifier is itself.
            return .set(folded(ScalarRanges([next.value..<(next.value + 1)])))
        }
    }

    private mutating func group() throws(InferenceError) -> RegexNode {
        guard take("?") else { return try closed(try alternation()) }
        if take(":") { return try closed(try alternation()) }
        if take("=") { return .lookAhead(try closed(try alternation()), isNegative: false) }
        if take("!") { return .lookAhead(try closed(try alternation()), isNegative: true) }
        if take(">") { return .atomic(try closed(try alternation())) }
        if take("#") {
            while let next = peek(), next != ")" { position += 1 }
            return try closed(.empty)
        }
        if take("<") {
            if take("=") { return try lookBehind(isNegative: false) }
            if take("!") { return try lookBehind(isNegative: true) }
            while let next = peek(), next != ">", next != ")" { position += 1 }
            guard take(">") else { throw refused("a group's name without end") }
            return try closed(try alternation())
        }
        return try options()
    }

    private mutating func lookBehind(isNegative: Bool) throws(InferenceError) -> RegexNode {
        let node = try closed(try alternation())
        guard case .alternation(let branches) = node, node.fixedLength == nil else {
            guard node.fixedLength != nil else { throw refused("a look-behind of varying length") }
            return .lookBehind(node, isNegative: isNegative)
        }
        guard branches.allSatisfy({ $0.fixedLength != nil }) else { throw refused("a look-behind of varying length") }
        let parts = branches.map { RegexNode.lookBehind($0, isNegative: isNegative) }
        return isNegative ? .sequence(parts) : .alternation(parts)
    }

    /// `(?i:…)`, `(?i-m)…` and the like.
    private mutating func options() throws(InferenceError) -> RegexNode {
        let outer = (ignoresCase, dotMatchesNewline, isExtended)
        var isOn = true
        while let next = peek(), next != ":", next != ")" {
            position += 1
            switch next {
            case "-": isOn = false
            case "i": ignoresCase = isOn
            case "m": dotMatchesNewline = isOn
            case "x": isExtended = isOn
            default: throw refused("the group (?\(next)")
            }
        }
        if take(")") {
            // Up to the end of the group around it, branches of an alternation included.
            var branches = [try sequence()]
            while take("|") { branches.append(try sequence()) }
            return branches.count == 1 ? branches[0] : .alternation(branches)
        }
        position += 1
        let node = try alternation()
        (ignoresCase, dotMatchesNewline, isExtended) = outer
        return try closed(node)
    }

    private mutating func closed(_ node: RegexNode) throws(InferenceError) -> RegexNode {
        guard take(")") else { throw refused("an opening parenthesis without a closing one") }
        return node
    }

    private mutating func escape() throws(InferenceError) -> RegexNode {
        switch peek() {
        case "A": return advance(.assertion(.textStart))
        case "z": return advance(.assertion(.textEnd))
        case "Z": return advance(.assertion(.textEndOrLastLine))
        case "b": return advance(.assertion(.wordBoundary))
        case "B": return advance(.assertion(.noWordBoundary))
        default: return .set(try escapedSet(isInClass: false))
        }
    }

    private mutating func advance(_ node: RegexNode) -> RegexNode {
        position += 1
        return node
    }

    /// The set that an escape stands for; the backslash has been taken.
    private mutating func escapedSet(isInClass: Bool) throws(InferenceError) -> ScalarRanges {
        guard let next = peek() else { throw refused("a backslash at the end") }
        position += 1
        switch next {
        case "s": return UnicodeData.whitespace
        case "S": return UnicodeData.whitespace.inverted
        case "d": return UnicodeData.property("nd") ?? .none
        case "D": return (UnicodeData.property("nd") ?? .none).inverted
        case "w": return UnicodeData.wordCharacters
        case "W": return UnicodeData.wordCharacters.inverted
        case "h": return ScalarRanges([0x30..<0x3A, 0x41..<0x47, 0x61..<0x67])
        case "H": return ScalarRanges([0x30..<0x3A, 0x41..<0x47, 0x61..<0x67]).inverted
        case "p", "P": return try property(isNegative: next == "P")
        default:
            position -= 1
            let value = try escapedScalar(isInClass: isInClass)
            return folded(ScalarRanges([value..<(value + 1)]))
        }
    }

    private mutating func escapedScalar(isInClass: Bool) throws(InferenceError) -> UInt32 {
        guard let next = peek() else { throw refused("a backslash at the end") }
        position += 1
        switch next {
        case "n": return 0x0A
        case "r": return 0x0D
        case "t": return 0x09
        case "f": return 0x0C
        case "v": return 0x0B
        case "a": return 0x07
        case "e": return 0x1B
        case "b" where isInClass: return 0x08
        case "0": return 0
        case "u": return try hexadecimal(least: 4, most: 4)
        case "x":
            guard take("{") else { return try hexadecimal(least: 1, most: 2) }
            let value = try hexadecimal(least: 1, most: 8)
            guard take("}") else { throw refused("a code point without its closing brace") }
            return value
        default:
            guard next.value >= 0x80 || !next.properties.isAlphabetic && !("1"..."9").contains(next) else {
                throw refused("the escape \\\(next)")
            }
            return next.value
        }
    }

    private mutating func hexadecimal(least: Int, most: Int) throws(InferenceError) -> UInt32 {
        var value: UInt32 = 0
        var count = 0
        while count < most, let next = peek(), next.isASCII, let digit = Character(next).hexDigitValue {
            guard value < 0x110000 else { break }
            value = value << 4 | UInt32(digit)
            count += 1
            position += 1
        }
        guard count >= least, value < 0x110000 else { throw refused("a number that is no code point") }
        return value
    }

    private mutating func property(isNegative: Bool) throws(InferenceError) -> ScalarRanges {
        guard take("{") else { throw refused("a property without braces") }
        var isInverted = isNegative
        if take("^") { isInverted.toggle() }
        var name = ""
        while let next = peek(), next != "}" {
            name.unicodeScalars.append(next)
            position += 1
        }
        guard take("}"), let set = UnicodeData.property(name) else { throw refused("the property \(quoted(name))") }
        return isInverted ? set.inverted : set
    }

    // MARK: Classes

    /// A class; the opening bracket has been taken.
    private mutating func characterClass() throws(InferenceError) -> ScalarRanges {
        guard depth < Self.maxDepth else { throw refused("deeper nesting than \(Self.maxDepth)") }
        depth += 1
        defer { depth -= 1 }
        let isInverted = take("^")
        var total: ScalarRanges?
        var set = ScalarRanges.none
        var isFirst = true
        while true {
            guard let next = peek() else { throw refused("a class without its closing bracket") }
            if next == "]", !isFirst {
                position += 1
                break
            }
            isFirst = false
            if next == "&", position + 1 < scalars.count, scalars[position + 1] == "&" {
                position += 2
                total = total.map { $0.intersection(set) } ?? set
                set = .none
            } else {
                set = set.union(try classItem())
            }
        }
        let result = total.map { $0.intersection(set) } ?? set
        return isInverted ? result.inverted : result
    }

    private mutating func classItem() throws(InferenceError) -> ScalarRanges {
        if take("[") { return peek() == ":" ? try namedClass() : try characterClass() }
        if peek() == "\\", position + 1 < scalars.count, "sSdDwWhHpP".unicodeScalars.contains(scalars[position + 1]) {
            position += 1
            return try escapedSet(isInClass: true)
        }
        let first = try classScalar()
        guard peek() == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
            return folded(ScalarRanges([first..<(first + 1)]))
        }
        let dash = position
        position += 1
        if peek() == "[" || peek() == "\\" && position + 1 < scalars.count && "sSdDwWhHpP".unicodeScalars.contains(scalars[position + 1]) {
            // A dash before a set is itself.
            position = dash
            return folded(ScalarRanges([first..<(first + 1)]))
        }
        let last = try classScalar()
        guard first <= last else { throw refused("an empty range") }
        return folded(ScalarRanges([first..<(last + 1)]))
    }

    private mutating func classScalar() throws(InferenceError) -> UInt32 {
        guard let next = peek() else { throw refused("a class without its closing bracket") }
        position += 1
        return next == "\\" ? try escapedScalar(isInClass: true) : next.value
    }

    /// `[:name:]`; the opening bracket has been taken.
    private mutating func namedClass() throws(InferenceError) -> ScalarRanges {
        position += 1
        let isInverted = take("^")
        var name = ""
        while let next = peek(), next != ":", next != "]" {
            name.unicodeScalars.append(next)
            position += 1
        }
        guard take(":"), take("]"), let set = Self.named(name) else { throw refused("the class [:\(name):]") }
        return isInverted ? set.inverted : set
    }

    private static func named(_ name: String) -> ScalarRanges? {
        switch name {
        case "upper": UnicodeData.property("lu")
        case "lower": UnicodeData.property("ll")
        case "cntrl": UnicodeData.property("cc")
        case "xdigit": ScalarRanges([0x30..<0x3A, 0x41..<0x47, 0x61..<0x67])
        case "digit", "space", "word", "ascii": UnicodeData.property(name)
        default: nil
        }
    }

    // MARK: Scalars

    /// With `(?i)`: together with the other cases. Sets of properties are taken as they are.
    private func folded(_ set: ScalarRanges) -> ScalarRanges {
        guard ignoresCase, set.count <= 4096 else { return set }
        var result: [Range<UInt32>] = set.ranges
        func add(_ text: String) {
            guard text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first else { return }
            result.append(scalar.value..<(scalar.value + 1))
        }
        for value in set.ranges.joined() {
            guard let scalar = Unicode.Scalar(value) else { continue }
            add(scalar.properties.lowercaseMapping)
            add(scalar.properties.uppercaseMapping)
            // The two letters beyond ASCII that fold to ASCII ones.
            if scalar == "s" || scalar == "S" { add("\u{17F}") }
            if scalar == "k" || scalar == "K" { add("\u{212A}") }
        }
        return ScalarRanges(result)
    }

    private func peek() -> Unicode.Scalar? {
        position < scalars.count ? scalars[position] : nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        position += 1
        return true
    }
}
