/// A regular expression as instructions for ``Regex``'s matcher.
struct RegexProgram: Sendable {
    enum Instruction: Sendable {
        case set(Int)
        /// As many scalars of a set as there are, in `least...most`.
        case run(set: Int, least: Int, most: Int, RegexNode.Greed)
        /// Goes on behind itself if the next byte is one of `first`; keeps `other` for later.
        case branch(first: Int, other: Int)
        /// Keeps `other` for later.
        case split(other: Int)
        case jump(Int)
        /// The instructions up to `end` are to match here (or not), however much text they take.
        case lookAhead(end: Int, isNegative: Bool)
        /// The same, `length` scalars before.
        case lookBehind(length: Int, end: Int, isNegative: Bool)
        /// The instructions up to `end` match in their first way only.
        case atomic(end: Int)
        case assertion(RegexNode.Assertion)
        case accept
    }

    private static let largest = 20_000

    private(set) var instructions: [Instruction] = []
    private(set) var sets: [ScalarSet] = []
    /// Sets of bytes that something may begin with.
    private(set) var firstBytes: [[Bool]] = []
    private var numbers: [[Range<UInt32>]: Int] = [:]

    /// - Throws: ``InferenceError`` `unsupportedModel` if it becomes too large.
    init(_ node: RegexNode) throws(InferenceError) {
        firstBytes.append(Self.first(node))
        try emit(node)
        instructions.append(.accept)
    }

    private mutating func emit(_ node: RegexNode) throws(InferenceError) {
        guard instructions.count < Self.largest, sets.count < 1000 else {
            throw InferenceError(.unsupportedModel, "A regular expression of the tokenizer is too large.")
        }
        switch node {
        case .empty: break
        case .set(let set): instructions.append(.set(number(of: set)))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .alternation(let nodes): try emitAlternation(nodes)
        case .repetition(let node, let least, let most, let greed): try emitRepetition(node, least, most, greed)
        case .lookAhead(let body, let isNegative):
            try emitPart(body) { .lookAhead(end: $0, isNegative: isNegative) }
        case .lookBehind(let body, let isNegative):
            let length = body.fixedLength ?? 0
            try emitPart(body) { .lookBehind(length: length, end: $0, isNegative: isNegative) }
        case .atomic(let body): try emitPart(body) { .atomic(end: $0) }
        case .assertion(let assertion): instructions.append(.assertion(assertion))
        }
    }

    private mutating func emitPart(_ body: RegexNode, _ instruction: (_ end: Int) -> Instruction) throws(InferenceError) {
        let place = instructions.count
        instructions.append(.accept)
        try emit(body)
        instructions.append(.accept)
        instructions[place] = instruction(instructions.count)
    }

    private mutating func emitAlternation(_ nodes: [RegexNode]) throws(InferenceError) {
        var jumps: [Int] = []
        for (index, node) in nodes.enumerated() {
            guard index < nodes.count - 1 else {
                try emit(node)
                break
            }
            let branch = instructions.count
            instructions.append(.accept)
            try emit(node)
            jumps.append(instructions.count)
            instructions.append(.accept)
            firstBytes.append(Self.first(node))
            instructions[branch] = .branch(first: firstBytes.count - 1, other: instructions.count)
        }
        for jump in jumps { instructions[jump] = .jump(instructions.count) }
    }

    private mutating func emitRepetition(_ node: RegexNode, _ least: Int, _ most: Int?, _ greed: RegexNode.Greed) throws(InferenceError) {
        if case .set(let set) = node {
            instructions.append(.run(set: number(of: set), least: least, most: most ?? .max, greed))
            return
        }
        if greed == .possessive { return try emit(.atomic(.repetition(node, least: least, most: most, .greedy))) }
        for _ in 0..<least { try emit(node) }
        if let most {
            // x{0,2} is (x(x)?)?
            var places: [Int] = []
            for _ in least..<most {
                places.append(instructions.count)
                instructions.append(.accept)
                if greed == .lazy { instructions.append(.accept) }
                try emit(node)
            }
            for place in places { setSplit(at: place, greed) }
        } else {
            let place = instructions.count
            instructions.append(.accept)
            if greed == .lazy { instructions.append(.accept) }
            try emit(node)
            instructions.append(.jump(place))
            setSplit(at: place, greed)
        }
    }

    /// Either into the instructions behind or to the end of the program so far, in the order of preference.
    private mutating func setSplit(at place: Int, _ greed: RegexNode.Greed) {
        if greed == .lazy {
            instructions[place] = .split(other: place + 2)
            instructions[place + 1] = .jump(instructions.count)
        } else {
            instructions[place] = .split(other: instructions.count)
        }
    }

    private mutating func number(of set: ScalarRanges) -> Int {
        if let number = numbers[set.ranges] { return number }
        sets.append(ScalarSet(set))
        numbers[set.ranges] = sets.count - 1
        return sets.count - 1
    }

    // MARK: First bytes

    private static let anyByte = [Bool](repeating: true, count: 256)

    /// The bytes that a match can begin with; all if it can be empty.
    private static func first(_ node: RegexNode) -> [Bool] {
        switch node {
        case .set(let set): return bytes(set)
        case .sequence(let nodes):
            var result = [Bool](repeating: false, count: 256)
            for node in nodes {
                if case .repetition(let body, _, _, _) = node, node.canBeEmpty, !body.canBeEmpty {
                    result = union(result, first(body))
                } else if node.canBeEmpty {
                    return anyByte
                } else {
                    return union(result, first(node))
                }
            }
            return anyByte
        case .alternation(let nodes):
            return nodes.reduce([Bool](repeating: false, count: 256)) { union($0, first($1)) }
        case .repetition(let body, let least, _, _): return least > 0 ? first(body) : anyByte
        case .atomic(let body): return first(body)
        case .empty, .lookAhead, .lookBehind, .assertion: return anyByte
        }
    }

    private static func union(_ left: [Bool], _ right: [Bool]) -> [Bool] {
        zip(left, right).map { $0 || $1 }
    }

    private static func bytes(_ set: ScalarRanges) -> [Bool] {
        var result = [Bool](repeating: false, count: 256)
        for byte in 0..<0x80 where !set.intersection(ScalarRanges([UInt32(byte)..<UInt32(byte + 1)])).ranges.isEmpty { result[byte] = true }
        // Beyond ASCII a byte says too little.
        if set.ranges.contains(where: { $0.upperBound > 0x80 }) { for byte in 0x80..<256 { result[byte] = true } }
        return result
    }
}
