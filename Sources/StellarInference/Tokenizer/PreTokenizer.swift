/// Cuts text into pieces ("words"); tokens never reach across the border of a piece.
package protocol PreTokenizer: Sendable {
    /// Where the piece that begins at `start` ends.
    ///
    /// - Parameters:
    ///   - text: UTF-8 bytes of valid text.
    ///   - start: 0 or the end of the piece before; less than `text.count`.
    /// - Returns: a border of code points in `start + 1 ... text.count`.
    func pieceEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int
}

/// The matchers by hand for patterns that many models use; any other goes to ``Regex``.
package enum PreTokenizers {
    private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    private static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static let afterNumber = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let words = contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"#

    /// Llama 3's pattern, and Qwen 2's.
    package static let llama3Pattern = words + #"\p{N}{1,3}"# + afterNumber
    package static let qwen2Pattern = words + #"\p{N}"# + afterNumber

    /// The matcher of a pattern whose matches cover all text; `nil` if there is none by hand.
    package static func matcher(_ pattern: String) -> (any PreTokenizer)? {
        switch pattern {
        case gpt2: GPT2PreTokenizer(splitsDigits: false)
        case llama3Pattern: WordPreTokenizer(longestNumber: 3)
        case qwen2Pattern: WordPreTokenizer(longestNumber: 1)
        default: nil
        }
    }

    static func split(_ pattern: String) throws(InferenceError) -> PieceSplitter.Step {
        if let matcher = matcher(pattern) { return .pieces(matcher) }
        return .split(.regex(try Regex(pattern)), .isolated, isInverted: false)
    }

    private static let digits = PieceSplitter.Step.scalars(UnicodeData.splitterNumerals, .isolated)

    /// The patterns by the names that GGUF files use in `tokenizer.ggml.pre`, one after the other.
    ///
    /// Source: the `tokenizer.json` files of the models that gave the names.
    ///
    /// - Throws: ``InferenceError`` `unsupportedModel` that names an unknown one.
    package static func named(_ name: String) throws(InferenceError) -> PieceSplitter {
        let patterns: [String]
        switch name {
        case "gpt-2", "default", "phi-2", "olmo", "jais", "trillion", "granite-docling", "mpt", "jina-es", "jina-de", "gigachat",
            "roberta-bpe", "exaone4":
            patterns = [gpt2]
        case "smollm", "starcoder", "refact", "command-r", "codeshell", "minerva-7b", "mellum":
            return PieceSplitter(steps: [.pieces(GPT2PreTokenizer(splitsDigits: true))])
        case "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral-text", "dbrx", "smaug-bpe", "chatglm-bpe", "glm4":
            patterns = [llama3Pattern]
        case "qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "kormo", "solar-open":
            patterns = [qwen2Pattern]
        case "gpt-4o", "llama4", "kanana2": patterns = [gpt4o]
        case "tekken": patterns = [tekken]
        case "deepseek-llm": patterns = deepSeekLLM
        case "deepseek-coder": patterns = deepSeekCoder
        case "deepseek-v3", "hunyuan-dense", "joyai-llm": patterns = deepSeekV3
        case "falcon": patterns = [#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, "[0-9][0-9][0-9]"]
        case "bloom", "gpt3-finnish", "poro-chat", "viking":
            patterns = [#" ?[^(\s|.,!?…。，、।۔،)]+"#]
        default:
            throw InferenceError(
                .unsupportedModel,
                "The model's pre-tokenizer \(quoted(name)) is not supported. Use a file of a model whose pre-tokenizer is."
            )
        }
        var steps: [PieceSplitter.Step] = []
        for pattern in patterns { steps.append(pattern == "digits" ? digits : try split(pattern)) }
        return PieceSplitter(steps: steps)
    }

    private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    private static let edge = #"[^\r\n\p{L}\p{N}]?"#
    private static let afterCased = #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    package static let gpt4o =
        edge + upper + "*" + lower + "+" + contractions + "?|" + edge + upper + "+" + lower + "*" + contractions + #"?|\p{N}{1,3}"#
        + afterCased
    package static let tekken =
        edge + upper + "*" + lower + "+|" + edge + upper + "+" + lower + #"*|\p{N}"# + afterCased

    private static let cjk = "[一-龥\u{0800}-\u{4E00}\u{AC00}-\u{D7FF}]+"
    private static let deepSeekLLM = [
        #"[\r\n]"#,
        #"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\x{1F7D}ᾀ-ᾴᾶ-ᾼ\x{1FBE}ῂ-ῄῆ-ῌῐ-\x{1FD3}ῖ-\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\x{2126}ℨ\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+"#,
        #"\s?[!-/:-~！-／：-～‘-‟　-。]+"#,
        #"\s+$"#,
        cjk,
        "digits",
    ]
    private static let deepSeekCoder = [
        #"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, cjk, "digits",
    ]
    private static let deepSeekV3 = [
        #"\p{N}{1,3}"#,
        "[一-龥\u{3040}-ゟ゠-ヿ]+",
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
    ]
}
