/// A regular expression as a tree.
indirect enum RegexNode: Sendable {
    enum Greed: Sendable { case greedy, lazy, possessive }
    enum Assertion: Sendable { case lineStart, lineEnd, textStart, textEnd, textEndOrLastLine, wordBoundary, noWordBoundary }

    case empty
    case set(ScalarRanges)
    case sequence([RegexNode])
    case alternation([RegexNode])
    /// `most` is `nil` for any number.
    case repetition(RegexNode, least: Int, most: Int?, Greed)
    case lookAhead(RegexNode, isNegative: Bool)
    case lookBehind(RegexNode, isNegative: Bool)
    case atomic(RegexNode)
    case assertion(Assertion)

    /// Whether it can match no text at all.
    var canBeEmpty: Bool {
        switch self {
        case .empty, .lookAhead, .lookBehind, .assertion: true
        case .set: false
        case .sequence(let nodes): nodes.allSatisfy(\.canBeEmpty)
        case .alternation(let nodes): nodes.contains(where: \.canBeEmpty)
        case .repetition(let node, let least, _, _): least == 0 || node.canBeEmpty
        case .atomic(let node): node.canBeEmpty
        }
    }

    /// How many scalars it matches, if that is always the same.
    var fixedLength: Int? {
        switch self {
        case .empty, .lookAhead, .lookBehind, .assertion: return 0
        case .set: return 1
        case .sequence(let nodes):
            return nodes.reduce(Optional(0)) { sum, node in sum.flatMap { sum in node.fixedLength.map { sum + $0 } } }
        case .alternation(let nodes):
            let lengths = Set(nodes.map(\.fixedLength))
            return lengths.count == 1 ? lengths.first ?? nil : nil
        case .repetition(let node, let least, let most, _):
            return least == most ? node.fixedLength.map { $0 * least } : nil
        case .atomic(let node): return node.fixedLength
        }
    }
}
