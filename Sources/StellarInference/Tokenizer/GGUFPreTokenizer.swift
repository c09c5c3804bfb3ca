/// What `tokenizer.ggml.pre` says in GGUF files whose tokenizer is of the type `gpt2`: how text is cut into pieces, and two habits that
/// go with a name.
///
/// Source: `src/llama-vocab.cpp` of the llama.cpp project (names, patterns, `ignore_merges`, `add_bos`). It approximates some patterns for
/// want of Unicode classes and says so: then these are the originals, from the `tokenizer.json` of the models that gave the names.
package struct GGUFPreTokenizer: Sendable {
    package let splitter: PieceSplitter
    /// Whether a piece that is a token becomes this token, without a look at the merges.
    package var takesWholePieces = false
    /// Whether text begins with the beginning of sequence where the file does not say.
    package var addsBeginning = false

    /// - Throws: ``InferenceError`` `unsupportedModel` that names an unknown one.
    package init(_ name: String) throws(InferenceError) {
        guard let known = Self.all[name] else {
            throw InferenceError(
                .unsupportedModel,
                "The model's pre-tokenizer \(quoted(name)) is not supported. Use a file of a model whose pre-tokenizer is."
            )
        }
        var steps: [PieceSplitter.Step] = []
        for pattern in known.patterns {
            switch pattern {
            case Self.singleDigits: steps.append(Self.digits)
            case Self.digitsThenGPT2: steps.append(.pieces(GPT2PreTokenizer(splitsDigits: true)))
            default: steps.append(try PreTokenizers.split(pattern))
            }
        }
        splitter = PieceSplitter(steps: steps)
        takesWholePieces = Self.wholePieceNames.contains(name)
        addsBeginning = Self.beginningNames.contains(name)
    }

    /// The name of what these patterns do one after the other on the way to a byte-level alphabet; `nil` if there is none.
    static func name(patterns: [String], takesWholePieces: Bool) -> String? {
        let patterns = patterns == [singleDigits, PreTokenizers.gpt2Pattern] ? [digitsThenGPT2] : patterns
        let names = groups.first { $0.patterns == patterns }?.names ?? []
        return names.first { wholePieceNames.contains($0) == takesWholePieces }
    }

    /// All names.
    package static var names: [String] { all.keys.sorted() }

    // MARK: Names

    private struct Group {
        let names: [String]
        /// Applied one after the other, each to the pieces that the ones before it left.
        let patterns: [String]
    }

    private static let all: [String: Group] = {
        var result: [String: Group] = [:]
        for group in groups { for name in group.names { result[name] = group } }
        return result
    }()

    private static let groups = [
        Group(
            names: [
                "gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "gigachat", "a.x-4.0", "mellum", "modern-bert",
                "exaone4", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code", "roberta-bpe",
            ],
            patterns: [PreTokenizers.gpt2Pattern]
        ),
        Group(
            names: ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"],
            patterns: [digitsThenGPT2]
        ),
        Group(
            names: [
                "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano", "dbrx",
                "smaug-bpe", "chatglm-bpe", "glm4", "glm5",
            ],
            patterns: [PreTokenizers.llama3Pattern]
        ),
        Group(
            names: ["qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "stablelm2", "megrez", "hunyuan", "solar-open", "grok-2"],
            patterns: [PreTokenizers.qwen2Pattern]
        ),
        Group(names: ["qwen35"], patterns: [qwen35]),
        Group(names: ["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"], patterns: [gpt4o]),
        Group(names: ["tekken"], patterns: [tekken]),
        Group(names: ["tiny_aya", "cohere2moe"], patterns: [#"\d{1,3}(?=(?:\d{3})*\b)"#, gpt4o]),
        Group(names: ["deepseek-llm"], patterns: deepSeekLLM),
        Group(names: ["deepseek-coder"], patterns: [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, cjk, singleDigits]),
        Group(names: ["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"], patterns: deepSeekV3),
        Group(names: ["falcon"], patterns: [#"[\p{P}\$\+<=>\^~\|`]+"#, PreTokenizers.gpt2Pattern, "[0-9][0-9][0-9]"]),
        Group(names: ["bloom", "gpt3-finnish", "poro-chat"], patterns: [bloom]),
        Group(names: ["viking"], patterns: [bloom, #"\p{N}"#]),
        Group(names: ["jais-2"], patterns: [jais2]),
        Group(names: ["minicpm5"], patterns: [#"\p{N}{1,3}"#, PreTokenizers.words + #"\p{N}+"# + PreTokenizers.afterNumber]),
        Group(names: ["superbpe"], patterns: [#"\p{N}+"#, #"(?=(\d{3})+(?!\d))"#]),
        Group(names: ["bailingmoe", "bailingmoe2", "llada-moe"], patterns: [bailing]),
        Group(names: ["seed-coder"], patterns: [seedCoder]),
        Group(names: ["ufakzeka"], patterns: [#"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + PreTokenizers.afterNumber]),
        Group(names: ["spark2_5"], patterns: spark),
        Group(names: ["youtu"], patterns: [youtuScripts, youtu]),
        Group(names: ["chameleon"], patterns: chameleon),
        Group(names: ["laguna"], patterns: [#"[^\n]+|[\n]+"#, PreTokenizers.qwen2Pattern]),
        Group(names: ["exaone-moe"], patterns: [exaoneMoE]),
        // Files from before there were names.
        Group(
            names: ["default"],
            patterns: [#"[\p{P}\$\+<=>\^~\|]+"#, PreTokenizers.gpt2Pattern, #"\p{N}+"#, "[0-9][0-9][0-9]"]
        ),
    ]

    private static let wholePieceNames: Set = [
        "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano", "tekken", "glm4", "glm5",
        "minicpm5", "youtu",
    ]
    private static let beginningNames: Set = [
        "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano", "tekken",
        "chameleon",
    ]

    // MARK: Patterns

    /// Stands for `Digits(individual_digits=True)` of Hugging Face's tokenizers.
    static let singleDigits = "single digits"
    private static let digits = PieceSplitter.Step.scalars(UnicodeData.splitterNumerals, .isolated)
    /// Stands for the same and GPT-2's pattern behind it: one matcher does both.
    private static let digitsThenGPT2 = "single digits, then GPT-2"

    private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    private static let edge = #"[^\r\n\p{L}\p{N}]?"#
    private static let afterCased = #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    package static let gpt4o =
        edge + upper + "*" + lower + "+" + PreTokenizers.contractions + "?|" + edge + upper + "+" + lower + "*"
        + PreTokenizers.contractions + #"?|\p{N}{1,3}"# + afterCased
    package static let tekken =
        edge + upper + "*" + lower + "+|" + edge + upper + "+" + lower + #"*|\p{N}"# + afterCased
    private static let qwen35 =
        PreTokenizers.contractions
        + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let bloom = #" ?[^(\s|.,!?…。，、।۔،)]+"#
    private static let jais2 =
        PreTokenizers.words + #"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|"#
        + #"\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}"#
    private static let bailing =
        #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#
    private static let seedCoder = PreTokenizers.words + #"\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let exaoneMoE =
        PreTokenizers.contractions + #"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"#
        + #"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"#

    private static let youtuScripts = "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥\u{3040}-ゟ゠-ヿ]+"
    private static let youtu =
        edge + upper + "*" + lower + "+" + PreTokenizers.contractions + "?|" + edge + upper + "+" + lower + "*"
        + PreTokenizers.contractions + #"?|\p{N}"# + afterCased
    private static let chameleon = [
        "<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", #"([\t\n]|    |  )"#, #"\p{N}"#, #"[\p{P}!-/:-@\[-`{-~]"#,
        PreTokenizers.gpt2Pattern,
    ]

    private static let cjk = "[一-龥\u{0800}-\u{4E00}\u{AC00}-\u{D7FF}]+"
    private static let deepSeekLLM = [
        #"[\r\n]"#,
        #"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\x{1F7D}ᾀ-ᾴᾶ-ᾼ\x{1FBE}ῂ-ῄῆ-ῌῐ-\x{1FD3}ῖ-\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\x{2126}ℨ\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+"#,
        #"\s?[!-/:-~！-／：-～‘-‟　-。]+"#,
        #"\s+$"#,
        cjk,
        singleDigits,
    ]
    private static let spark = [
        deepSeekV3[0], deepSeekV3[1],
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+"##,
        #"\p{N}"#,
    ]
    private static let deepSeekV3 = [
        #"\p{N}{1,3}"#,
        "[一-龥\u{3040}-ゟ゠-ヿ]+",
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
    ]
}
