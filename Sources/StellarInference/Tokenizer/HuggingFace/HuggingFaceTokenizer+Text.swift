/// What happens to text before the model sees it.
extension HuggingFaceTokenizerReader {
    /// The members of `Sequence` components, nested ones too.
    private static func flattened(_ node: JSONNode?, _ list: String, depth: Int = 0) throws(InferenceError) -> [JSONNode] {
        guard let node, !node.isNull else { return [] }
        guard node["type"]?.string == "Sequence" else { return [node] }
        guard depth < 8 else { throw unsupported("sequences nested deeper than 8 levels") }
        var result: [JSONNode] = []
        for part in node[list]?.array ?? [] { result += try flattened(part, list, depth: depth + 1) }
        return result
    }

    static func pattern(_ node: JSONNode?) throws(InferenceError) -> TextPattern {
        if let regex = node?["Regex"]?.string { return .regex(try Regex(regex)) }
        guard let text = node?["String"]?.string ?? node?.string else { throw damaged("a pattern is neither text nor regular expression") }
        return .literal(Array(text.utf8))
    }

    // MARK: Normalisers

    static func normalizer(_ node: JSONNode?) throws(InferenceError) -> [TextNormalizer.Step] {
        var steps: [TextNormalizer.Step] = []
        for node in try flattened(node, "normalizers") {
            let kind = node["type"]?.string ?? "without a type"
            switch kind {
            case "Lowercase": steps.append(.lowercase)
            case "StripAccents": steps.append(.stripAccents)
            case "ByteLevel": steps.append(.byteLevel)
            case "Prepend": steps.append(.prepend(bytes(node["prepend"])))
            case "Strip":
                steps.append(.strip(left: node["strip_left"]?.bool ?? true, right: node["strip_right"]?.bool ?? true))
            case "Replace": steps.append(.replace(try pattern(node["pattern"]), with: bytes(node["content"])))
            default:
                guard let form = UnicodeNormalization(rawValue: kind) else { throw unsupported("the normalizer \(quoted(kind))") }
                steps.append(.unicode(form))
            }
        }
        return steps
    }

    // MARK: Pre-tokenisers

    /// - Returns: the steps, and whether the pieces are to be taken as bytes.
    static func preTokenizer(_ node: JSONNode?) throws(InferenceError) -> (steps: [PieceSplitter.Step], isByteLevel: Bool) {
        let nodes = try flattened(node, "pretokenizers")
        if let steps = digitsAndBytes(nodes) { return (steps, true) }
        var steps: [PieceSplitter.Step] = []
        for (number, node) in nodes.enumerated() {
            guard node["type"]?.string == "ByteLevel" else {
                steps.append(try preTokenizerStep(node))
                continue
            }
            if node["add_prefix_space"]?.bool ?? true { steps.append(.blankPrefix) }
            if node["use_regex"]?.bool ?? true { steps.append(.pieces(GPT2PreTokenizer(splitsDigits: false))) }
            if number == nodes.count - 1 { return (steps, true) }
            steps.append(.alphabet)
        }
        return (steps, false)
    }

    /// Single digits, then GPT-2's pattern: one matcher does both.
    private static func digitsAndBytes(_ nodes: [JSONNode]) -> [PieceSplitter.Step]? {
        guard nodes.count == 2, nodes[0]["type"]?.string == "Digits", nodes[0]["individual_digits"]?.bool == true,
            nodes[1]["type"]?.string == "ByteLevel", nodes[1]["add_prefix_space"]?.bool == false, nodes[1]["use_regex"]?.bool ?? true
        else { return nil }
        return [.pieces(GPT2PreTokenizer(splitsDigits: true))]
    }

    private static func preTokenizerStep(_ node: JSONNode) throws(InferenceError) -> PieceSplitter.Step {
        let kind = node["type"]?.string ?? "without a type"
        switch kind {
        case "Split": return try split(node)
        case "Digits":
            return .scalars(UnicodeData.splitterNumerals, node["individual_digits"]?.bool ?? false ? .isolated : .contiguous)
        case "Whitespace": return .words
        case "WhitespaceSplit": return .scalars(UnicodeData.splitterSpaces, .removed)
        case "Punctuation": return .scalars(UnicodeData.splitterPunctuation, try behavior(node["behavior"], .isolated))
        case "CharDelimiterSplit": return .split(.literal(bytes(node["delimiter"])), .removed, isInverted: false)
        case "Metaspace":
            let oldScheme = node["add_prefix_space"]?.bool ?? true ? "always" : "never"
            guard let scheme = PieceSplitter.PrefixScheme(rawValue: node["prepend_scheme"]?.string ?? oldScheme) else {
                throw unsupported("the prepend_scheme \(quoted(node["prepend_scheme"]?.string ?? ""))")
            }
            let marker = node["replacement"]?.string ?? "\u{2581}"
            return .marker(Array(marker.utf8), prefix: scheme, splits: node["split"]?.bool ?? true)
        default: throw unsupported("the pre-tokenizer \(quoted(kind))")
        }
    }

    private static func split(_ node: JSONNode) throws(InferenceError) -> PieceSplitter.Step {
        let behavior = try behavior(node["behavior"], nil)
        let isInverted = node["invert"]?.bool ?? false
        // Where a pattern matches all text, what lies between matches does not matter.
        if let regex = node["pattern"]?["Regex"]?.string, let matcher = PreTokenizers.matcher(regex),
            behavior == .isolated && !isInverted || behavior == .removed && isInverted
        {
            return .pieces(matcher)
        }
        return .split(try pattern(node["pattern"]), behavior, isInverted: isInverted)
    }

    private static func behavior(
        _ node: JSONNode?,
        _ usual: PieceSplitter.Behavior?
    ) throws(InferenceError) -> PieceSplitter.Behavior {
        if node == nil, let usual { return usual }
        guard let behavior = node?.string.flatMap(PieceSplitter.Behavior.init(rawValue:)) else {
            throw unsupported("the split behavior \(quoted(node?.string ?? "without a name"))")
        }
        return behavior
    }
}
