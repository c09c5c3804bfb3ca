/// A regular expression over UTF-8 text: leftmost match, first alternative first, with a limit to the work that one text may cost.
///
/// Thread contract: immutable.
struct Regex: Sendable {
    /// Steps per byte of text, and for any text, before the search gives up.
    private static let stepsPerByte = 2000
    private static let stepsPerText = 1_000_000

    private let program: RegexProgram

    /// - Throws: ``InferenceError`` `unsupportedModel` that says what is not supported.
    init(_ pattern: String) throws(InferenceError) {
        program = try RegexProgram(RegexParser.parse(pattern))
    }

    /// Calls `body` with each match from the left, empty ones included (but none right behind another match).
    ///
    /// - Returns: `false` if the search was given up because it takes too long; what was found until then has been handed out.
    @discardableResult
    func forEachMatch(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) -> Bool {
        var matcher = RegexMatcher(program: program, text: text, steps: Self.stepsPerText + Self.stepsPerByte * text.count)
        var position = 0
        var lastEnd = -1
        while position <= text.count {
            guard let match = matcher.search(from: position) else { return !matcher.isExhausted }
            if match.isEmpty, match.lowerBound == lastEnd {
                guard match.upperBound < text.count else { break }
                position = text.scalar(at: match.upperBound).end
            } else {
                body(match)
                position = match.upperBound
                lastEnd = match.upperBound
            }
        }
        return true
    }
}

/// One search: a backtracking machine with a stack of its own.
private struct RegexMatcher {
    private struct Choice {
        var instruction: Int
        var position: Int
        /// Of a greedy run: the least position it may give back to. Of a lazy one: −1 − how many more scalars it may take.
        /// Else `position`.
        var limit: Int
        /// Of a lazy run: its set.
        var set = -1
    }

    let program: RegexProgram
    let text: UnsafeBufferPointer<UInt8>
    var steps: Int
    private var stack: [Choice] = []

    init(program: RegexProgram, text: UnsafeBufferPointer<UInt8>, steps: Int) {
        self.program = program
        self.text = text
        self.steps = steps
    }

    var isExhausted: Bool { steps <= 0 }

    mutating func search(from start: Int) -> Range<Int>? {
        var position = start
        while position <= text.count {
            if position == text.count || program.firstBytes[0][Int(text[position])], let end = match(from: 0, at: position) {
                return position..<end
            }
            steps -= 1
            guard !isExhausted, position < text.count else { return nil }
            position = text.scalar(at: position).end
        }
        return nil
    }

    /// Where the match of the instructions from `first` on ends.
    private mutating func match(from first: Int, at start: Int) -> Int? {
        let base = stack.count
        defer { stack.removeLast(stack.count - base) }
        var instruction = first
        var position = start
        while true {
            steps -= 1
            guard steps > 0 else { return nil }
            if let next = step(instruction, &position) {
                if next < 0 { return position }
                instruction = next
            } else {
                guard stack.count > base else { return nil }
                (instruction, position) = takeBack()
            }
        }
    }

    /// The latest choice, made in its next way.
    @inline(__always)
    private mutating func takeBack() -> (instruction: Int, position: Int) {
        let last = stack.count - 1
        let choice = stack[last]
        if choice.limit >= 0 {
            guard choice.position > choice.limit else {
                stack.removeLast()
                return (choice.instruction, choice.position)
            }
            // A greedy run: as it is now, and later one less.
            stack[last].position = max(text.start(ofScalarBefore: choice.position), choice.limit)
            return (choice.instruction, choice.position)
        }
        return takeMore(last, choice)
    }

    /// A lazy run: one more scalar.
    private mutating func takeMore(_ last: Int, _ choice: Choice) -> (instruction: Int, position: Int) {
        let more = -1 - choice.limit
        let next = choice.position < text.count ? text.scalar(at: choice.position) : (value: 0, end: -1)
        guard more > 0, next.end > 0, program.sets[choice.set].contains(next.value) else {
            stack.removeLast()
            // Fails again at once.
            return (program.instructions.count, choice.position)
        }
        stack[last].position = next.end
        stack[last].limit = choice.limit + 1
        return (choice.instruction, next.end)
    }

    /// - Returns: the next instruction, −1 at the end of the match, `nil` if it does not match.
    @inline(__always)
    private mutating func step(_ instruction: Int, _ position: inout Int) -> Int? {
        guard instruction < program.instructions.count else { return nil }
        switch program.instructions[instruction] {
        case .set(let set):
            guard position < text.count else { return nil }
            let next = text.scalar(at: position)
            guard program.sets[set].contains(next.value) else { return nil }
            position = next.end
        case .run(let set, let least, let most, let greed): return run(instruction, set, least, most, greed, &position)
        case .branch(let first, let other):
            if position < text.count, !program.firstBytes[first][Int(text[position])] { return other }
            stack.append(Choice(instruction: other, position: position, limit: position))
        case .split(let other): stack.append(Choice(instruction: other, position: position, limit: position))
        case .jump(let target): return target
        case .lookAhead(let end, let isNegative):
            return (match(from: instruction + 1, at: position) != nil) != isNegative ? end : nil
        case .lookBehind(let length, let end, let isNegative):
            return (matchesBehind(instruction + 1, length, position)) != isNegative ? end : nil
        case .atomic(let end):
            guard let after = match(from: instruction + 1, at: position) else { return nil }
            position = after
            return end
        case .assertion(let assertion): guard holds(assertion, position) else { return nil }
        case .accept: return -1
        }
        return instruction + 1
    }

    private mutating func run(
        _ instruction: Int,
        _ set: Int,
        _ least: Int,
        _ most: Int,
        _ greed: RegexNode.Greed,
        _ position: inout Int
    ) -> Int? {
        var count = 0
        var leastEnd = position
        let wanted = greed == .lazy ? least : most
        while count < wanted, position < text.count {
            let next = text.scalar(at: position)
            guard program.sets[set].contains(next.value) else { break }
            position = next.end
            count += 1
            if count == least { leastEnd = position }
        }
        steps -= count
        guard count >= least else { return nil }
        if greed == .lazy {
            if most > least {
                stack.append(Choice(instruction: instruction + 1, position: position, limit: -1 - min(most - least, 1 << 40), set: set))
            }
        } else if greed == .greedy, position > leastEnd {
            let before = max(text.start(ofScalarBefore: position), leastEnd)
            stack.append(Choice(instruction: instruction + 1, position: before, limit: leastEnd))
        }
        return instruction + 1
    }

    private mutating func matchesBehind(_ instruction: Int, _ length: Int, _ position: Int) -> Bool {
        var start = position
        for _ in 0..<length {
            guard start > 0 else { return false }
            start = text.start(ofScalarBefore: start)
        }
        return match(from: instruction, at: start) != nil
    }

    private func holds(_ assertion: RegexNode.Assertion, _ position: Int) -> Bool {
        switch assertion {
        case .lineStart: position == 0 || position < text.count && text[position - 1] == 0x0A
        case .lineEnd: position == text.count || text[position] == 0x0A
        case .textStart: position == 0
        case .textEnd: position == text.count
        case .textEndOrLastLine: position == text.count || position == text.count - 1 && text[position] == 0x0A
        case .wordBoundary: isWord(before: position) != isWord(at: position)
        case .noWordBoundary: isWord(before: position) == isWord(at: position)
        }
    }

    private static let words = ScalarSet(UnicodeData.wordCharacters)

    private func isWord(before position: Int) -> Bool {
        position > 0 && Self.words.contains(text.scalar(at: text.start(ofScalarBefore: position)).value)
    }

    private func isWord(at position: Int) -> Bool {
        position < text.count && Self.words.contains(text.scalar(at: position).value)
    }
}
