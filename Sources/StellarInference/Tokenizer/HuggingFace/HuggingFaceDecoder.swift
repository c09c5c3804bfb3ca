/// Works out what each token stands for from the chain of decoders in `tokenizer.json`.
struct HuggingFaceDecoder {
    private enum Step {
        case replace(TextPattern, [UInt8])
        case strip(UInt8, start: Int, stop: Int)
        case byteFallback
        case byteLevel
        case metaspace([UInt8])
        case wordEnd([UInt8])
    }

    private var steps: [Step] = []
    private var result = TokenDecoder()
    /// Behind `Fuse` all text is one token.
    private var isFused = false
    private var wordEnd: [UInt8] = []

    mutating func add(_ node: JSONNode?, depth: Int = 0) throws(InferenceError) {
        guard let node, !node.isNull else {
            // Without a decoder, tokens are shown with blanks between.
            result.separator = [0x20]
            return
        }
        let kind = node["type"]?.string ?? "without a type"
        if kind == "Sequence" {
            guard depth < 8 else { throw HuggingFaceTokenizerReader.unsupported("sequences nested deeper than 8 levels") }
            for part in node["decoders"]?.array ?? [] { try add(part, depth: depth + 1) }
            return
        }
        if isFused, kind != "Strip", kind != "Fuse" {
            throw HuggingFaceTokenizerReader.unsupported("the decoder \(quoted(kind)) after Fuse")
        }
        switch kind {
        case "ByteLevel": steps.append(.byteLevel)
        case "ByteFallback":
            steps.append(.byteFallback)
            result.repair = .perByte
        case "Fuse": isFused = true
        case "Replace":
            steps.append(
                .replace(try HuggingFaceTokenizerReader.pattern(node["pattern"]), HuggingFaceTokenizerReader.bytes(node["content"]))
            )
        case "Strip": try addStrip(node)
        case "Metaspace": addMetaspace(node)
        case "BPEDecoder":
            let suffix = node["suffix"]?.string ?? "</w>"
            wordEnd = Array(suffix.utf8)
            steps.append(.wordEnd(wordEnd))
        default: throw HuggingFaceTokenizerReader.unsupported("the decoder \(quoted(kind))")
        }
    }

    private mutating func addStrip(_ node: JSONNode) throws(InferenceError) {
        let content = HuggingFaceTokenizerReader.bytes(node["content"] ?? .string(" "))
        let (start, stop) = (node["start"]?.integer ?? 0, node["stop"]?.integer ?? 0)
        guard content.count == 1, (0...1024).contains(start), (0...1024).contains(stop) else {
            throw HuggingFaceTokenizerReader.unsupported("the decoder Strip with content \(quoted(node["content"]?.string ?? ""))")
        }
        guard isFused else { return steps.append(.strip(content[0], start: start, stop: stop)) }
        guard content == [0x20], stop == 0 else { throw HuggingFaceTokenizerReader.unsupported("the decoder Strip at the end of the text") }
        result.leadingBlanks = start
    }

    private mutating func addMetaspace(_ node: JSONNode) {
        let marker = node["replacement"]?.string ?? "\u{2581}"
        let oldScheme = node["add_prefix_space"]?.bool ?? true ? "always" : "never"
        result.dropsBlanksOfFirst = (node["prepend_scheme"]?.string ?? oldScheme) != "never"
        steps.append(.metaspace(Array(marker.utf8)))
    }

    // MARK: Tokens

    /// How many times as long as it was a token's text can become.
    var greatestGrowth: Double {
        steps.reduce(1) { product, step in
            switch step {
            case .replace(.literal(let literal), let text): product * max(1, Double(text.count) / Double(max(1, literal.count)))
            case .replace(.regex, let text): product * Double(1 + text.count)
            default: product
            }
        }
    }

    consuming func decoder(_ texts: ByteTable, isAdded: (Int) -> Bool) -> TokenDecoder {
        var result = result
        if !wordEnd.isEmpty { result.hasBlankBehind = [Bool](repeating: false, count: texts.count) }
        for token in 0..<texts.count {
            let text = Array(texts[token] ?? [])
            if !wordEnd.isEmpty, text.count >= wordEnd.count, text.suffix(wordEnd.count).elementsEqual(wordEnd) {
                result.hasBlankBehind[token] = true
            }
            let piece = bytes(text, isAdded: isAdded(token))
            result.bytes.add { $0 += piece }
        }
        return result
    }

    private func bytes(_ text: [UInt8], isAdded: Bool) -> [UInt8] {
        var text = text
        for step in steps {
            switch step {
            case .replace(let pattern, let content): text = pattern.replacing(in: text, with: content)
            case .strip(let byte, let start, let stop):
                var count = 0
                while count < start, text.first == byte { text.removeFirst(); count += 1 }
                count = 0
                while count < stop, text.last == byte { text.removeLast(); count += 1 }
            case .byteFallback:
                if let byte = ByteFallback.byte(String(decoding: text, as: UTF8.self)) { return [byte] }
            case .byteLevel:
                // Added tokens are written as they are.
                var bytes: [UInt8] = []
                if !isAdded, ByteLevelAlphabet.appendBytes(of: text[...], to: &bytes) { text = bytes }
            case .metaspace(let marker): text = TextPattern.literal(marker).replacing(in: text, with: [0x20])
            case .wordEnd(let suffix):
                var end = text.count
                if text.suffix(suffix.count).elementsEqual(suffix) { end -= suffix.count }
                text = TextPattern.literal(suffix).replacing(in: Array(text[..<end]), with: [0x20])
            }
        }
        return text
    }
}
