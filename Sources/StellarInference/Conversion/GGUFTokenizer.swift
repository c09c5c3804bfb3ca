/// A tokenizer of `tokenizer.json` in the form of GGUF metadata.
struct GGUFTokenizer {
    private var tokens: [String] = []
    private var kinds: [Int32] = []
    /// Of SentencePiece models: the earlier a token's merge, the greater; empty: merges are written instead.
    private var scores: [Float] = []
    private var merges: [String] = []
    private let model: String
    private let preTokenizer: String
    private let files: HuggingFaceTokenizerFiles

    /// - Throws: ``InferenceError`` `invalidModelFile`; `unsupportedModel` if GGUF files have no name for what the tokenizer does.
    init(_ files: HuggingFaceTokenizerFiles, vocabularySize: Int) throws(InferenceError) {
        self.files = files
        let json = files.tokenizer
        guard let vocabulary = json["model"]?["vocab"]?.object, json["model"]?["type"]?.string ?? "BPE" == "BPE" else {
            throw Self.unsupported(files, "is not of the type BPE")
        }
        let isSentencePiece = json["model"]?["byte_fallback"]?.bool == true
        model = isSentencePiece ? "llama" : "gpt2"
        try Self.checkNormalizer(files, isSentencePiece)
        preTokenizer = isSentencePiece ? try Self.sentencePiece(files) : try Self.preTokenizer(files)
        tokens = (0..<vocabularySize).map { "[PAD\($0)]" }
        kinds = [Int32](repeating: 5, count: vocabularySize)
        for (text, id) in vocabulary {
            let isByte = isSentencePiece && text.utf8.count == 6 && text.hasPrefix("<0x") && text.hasSuffix(">")
            try set(id.integer, text, isByte ? 6 : 1)
        }
        for token in json["added_tokens"]?.array ?? [] {
            guard let text = token["content"]?.string else { continue }
            try set(token["id"]?.integer, text, token["special"]?.bool == true ? 3 : 4)
        }
        merges = (json["model"]?["merges"]?.array ?? []).compactMap { merge in
            merge.string ?? merge.array.map { $0.compactMap(\.string).joined(separator: " ") }
        }
        if isSentencePiece { scoreByMerges() }
    }

    private mutating func set(_ id: Int?, _ text: String, _ kind: Int32) throws(InferenceError) {
        guard let id, tokens.indices.contains(id) else {
            throw InferenceError(
                .invalidModelFile,
                "\(files.name)/tokenizer.json: the token \(quoted(text)) has no id within the vocabulary."
            )
        }
        (tokens[id], kinds[id]) = (text, kind)
    }

    /// SentencePiece joins the pair that makes the token of the greatest score; the order of merges says the same.
    private mutating func scoreByMerges() {
        var ranks: [String: Int] = [:]
        for (rank, merge) in merges.enumerated() {
            let text = merge.split(separator: " ").joined()
            if ranks[text] == nil { ranks[text] = rank }
        }
        scores = tokens.map { token in ranks[token].map { -Float($0) } ?? (token.count == 1 ? -Float(merges.count) : 0) }
        merges = []
    }

    func write(to writer: inout GGUFFileWriter) throws(InferenceError) {
        writer.set("tokenizer.ggml.model", .string(model))
        writer.set("tokenizer.ggml.pre", .string(preTokenizer))
        writer.set("tokenizer.ggml.tokens", .strings(tokens))
        writer.set("tokenizer.ggml.token_type", .int32s(kinds))
        if scores.isEmpty {
            writer.set("tokenizer.ggml.merges", .strings(merges))
        } else {
            writer.set("tokenizer.ggml.scores", .float32s(scores))
        }
        let roles = [("bos", "bos_token"), ("eos", "eos_token"), ("unknown", "unk_token"), ("padding", "pad_token")]
        for (key, name) in roles {
            guard let text = files.specialToken(name), let id = tokens.firstIndex(of: text) else { continue }
            writer.set("tokenizer.ggml.\(key)_token_id", .uint32(UInt32(id)))
        }
        addEnds(to: &writer)
        writer.set("tokenizer.ggml.add_bos_token", .bool(addsBeginning))
        if scores.isEmpty { return }
        writer.set("tokenizer.ggml.add_space_prefix", .bool(addsBlank))
    }

    /// All tokens that end a reply: GGUF files have keys for the ends of a text, of a turn and of a message.
    private func addEnds(to writer: inout GGUFFileWriter) {
        let named = files.specialToken("eos_token").flatMap { tokens.firstIndex(of: $0) }
        let others = files.endTokens.filter { $0 != named && tokens.indices.contains($0) }
        for (key, end) in zip(["eos", "eot", "eom"].dropFirst(named == nil ? 0 : 1), others) {
            writer.set("tokenizer.ggml.\(key)_token_id", .uint32(UInt32(clamping: end)))
        }
    }

    /// By the post-processor, which is what encodes; else by the configuration.
    private var addsBeginning: Bool {
        guard let bos = files.specialToken("bos_token") else { return false }
        let processor = files.tokenizer["post_processor"]
        let processors = processor?["processors"]?.array ?? [processor].compactMap { $0 }
        for single in processors.compactMap({ $0["single"]?.array }) {
            return single.first?["SpecialToken"]?["id"]?.string == bos
        }
        return files.flag("add_bos_token") ?? false
    }

    private var addsBlank: Bool {
        let normalizer = files.tokenizer["normalizer"]
        let steps = normalizer?["normalizers"]?.array ?? [normalizer].compactMap { $0 }
        if steps.contains(where: { $0["type"]?.string == "Prepend" }) { return true }
        let scheme = files.tokenizer["pre_tokenizer"]?["prepend_scheme"]?.string
        return scheme == "first" || scheme == "always"
    }

    // MARK: Pre-tokenisers

    /// GGUF files know no normalisers but SentencePiece's blanks; composing (NFC) is given up, as llama.cpp's converter does.
    private static func checkNormalizer(_ files: HuggingFaceTokenizerFiles, _ isSentencePiece: Bool) throws(InferenceError) {
        let node = files.tokenizer["normalizer"]
        for step in node?["normalizers"]?.array ?? [node].compactMap({ $0 }) where !step.isNull {
            let type = step["type"]?.string ?? "without a type"
            let isBlank = type == "Prepend" && step["prepend"]?.string == mark || type == "Replace" && step["content"]?.string == mark
            guard type == "NFC" || isSentencePiece && isBlank else { throw unsupported(files, "has the normalizer \(quoted(type))") }
        }
    }

    private static let mark = "\u{2581}"

    /// SentencePiece cuts nothing, or only before blanks, behind which its tokens do not reach anyway.
    private static func sentencePiece(_ files: HuggingFaceTokenizerFiles) throws(InferenceError) -> String {
        guard let step = files.tokenizer["pre_tokenizer"], !step.isNull else { return "default" }
        let type = step["type"]?.string ?? "without a type"
        let isMarker = type == "Metaspace" && step["replacement"]?.string ?? mark == mark
        let isBlank = isMarker || type == "Split" && step["pattern"]?["String"]?.string == " "
        guard isBlank else { throw unsupported(files, "divides text by \(quoted(type)) before byte fallback") }
        return "default"
    }

    /// The name by which GGUF files know what `pre_tokenizer` does.
    private static func preTokenizer(_ files: HuggingFaceTokenizerFiles) throws(InferenceError) -> String {
        let node = files.tokenizer["pre_tokenizer"]
        let steps = node?["pretokenizers"]?.array ?? [node].compactMap { $0 }.filter { !$0.isNull }
        let takesWholePieces = files.tokenizer["model"]?["ignore_merges"]?.bool ?? false
        let patterns = steps.compactMap(pattern)
        if patterns.count == steps.count, steps.last?["type"]?.string == "ByteLevel",
            let name = GGUFPreTokenizer.name(patterns: patterns.filter { !$0.isEmpty }, takesWholePieces: takesWholePieces)
        {
            return name
        }
        let types = steps.compactMap { $0["type"]?.string }.joined(separator: ", ")
        throw unsupported(files, "divides text (\(types)) in a way for which GGUF files have no name")
    }

    /// A step as one of the patterns of ``GGUFPreTokenizer``; empty if it cuts nothing, `nil` if there is none.
    private static func pattern(_ step: JSONNode) -> String? {
        switch step["type"]?.string {
        case "ByteLevel" where step["add_prefix_space"]?.bool != true:
            return step["use_regex"]?.bool ?? true ? PreTokenizers.gpt2Pattern : ""
        case "Digits" where step["individual_digits"]?.bool == true: return GGUFPreTokenizer.singleDigits
        case "Split":
            let behavior = step["behavior"]?.string
            let covers = step["invert"]?.bool == true ? behavior == "Removed" : behavior == "Isolated"
            return covers ? step["pattern"]?["Regex"]?.string : nil
        default: return nil
        }
    }

    private static func unsupported(_ files: HuggingFaceTokenizerFiles, _ problem: String) -> InferenceError {
        InferenceError(
            .unsupportedModel,
            "\(files.name)/tokenizer.json \(problem), so the model can't be written as a GGUF file. Use the directory as it is."
        )
    }
}
