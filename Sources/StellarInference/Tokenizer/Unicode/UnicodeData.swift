/// Sets of Unicode scalars by the names that regular expressions use. Read once from ``UnicodeTables``.
enum UnicodeData {
    /// The two-letter general categories in the order of the table.
    static let categoryNames = [
        "lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "pc", "pd", "ps", "pe", "pi", "pf", "po", "sm", "sc", "sk", "so",
        "zs", "zl", "zp", "cc", "cf", "co", "cn",
    ]

    private static let longNames = [
        "letter": "l", "uppercaseletter": "lu", "lowercaseletter": "ll", "titlecaseletter": "lt", "modifierletter": "lm",
        "otherletter": "lo", "mark": "m", "nonspacingmark": "mn", "spacingmark": "mc", "enclosingmark": "me", "number": "n",
        "decimalnumber": "nd", "letternumber": "nl", "othernumber": "no", "punctuation": "p", "connectorpunctuation": "pc",
        "dashpunctuation": "pd", "openpunctuation": "ps", "closepunctuation": "pe", "initialpunctuation": "pi", "finalpunctuation": "pf",
        "otherpunctuation": "po", "symbol": "s", "mathsymbol": "sm", "currencysymbol": "sc", "modifiersymbol": "sk", "othersymbol": "so",
        "separator": "z", "spaceseparator": "zs", "lineseparator": "zl", "paragraphseparator": "zp", "other": "c", "control": "cc",
        "format": "cf", "privateuse": "co", "unassigned": "cn",
    ]

    private static let scripts: [String: StaticString] = [
        "han": UnicodeTables.scriptHan, "hiragana": UnicodeTables.scriptHiragana, "katakana": UnicodeTables.scriptKatakana,
        "hangul": UnicodeTables.scriptHangul, "bopomofo": UnicodeTables.scriptBopomofo, "latin": UnicodeTables.scriptLatin,
        "greek": UnicodeTables.scriptGreek, "cyrillic": UnicodeTables.scriptCyrillic, "armenian": UnicodeTables.scriptArmenian,
        "hebrew": UnicodeTables.scriptHebrew, "arabic": UnicodeTables.scriptArabic, "thai": UnicodeTables.scriptThai,
        "lao": UnicodeTables.scriptLao, "tibetan": UnicodeTables.scriptTibetan, "myanmar": UnicodeTables.scriptMyanmar,
        "georgian": UnicodeTables.scriptGeorgian, "khmer": UnicodeTables.scriptKhmer, "mongolian": UnicodeTables.scriptMongolian,
        "devanagari": UnicodeTables.scriptDevanagari, "bengali": UnicodeTables.scriptBengali, "gurmukhi": UnicodeTables.scriptGurmukhi,
        "gujarati": UnicodeTables.scriptGujarati, "oriya": UnicodeTables.scriptOriya, "tamil": UnicodeTables.scriptTamil,
        "telugu": UnicodeTables.scriptTelugu, "kannada": UnicodeTables.scriptKannada, "malayalam": UnicodeTables.scriptMalayalam,
        "sinhala": UnicodeTables.scriptSinhala, "ethiopic": UnicodeTables.scriptEthiopic, "common": UnicodeTables.scriptCommon,
        "inherited": UnicodeTables.scriptInherited,
    ]

    /// The ranges of each general category.
    private static let categories: [ScalarRanges] = {
        var result = [[Range<UInt32>]](repeating: [], count: categoryNames.count)
        let numbers = Self.numbers(UnicodeTables.categories)
        var start: UInt32 = 0
        for index in stride(from: 0, to: numbers.count - 1, by: 2) {
            let end = start + numbers[index]
            if result.indices.contains(Int(numbers[index + 1])) { result[Int(numbers[index + 1])].append(start..<end) }
            start = end
        }
        return result.map { ScalarRanges($0) }
    }()

    static let whitespace = ScalarRanges([0x09..<0x0E, 0x85..<0x86]).union(category("z") ?? .none)
    static let wordCharacters = ranges(UnicodeTables.wordCharacters)
    static let splitterWords = ScalarSet(ranges(UnicodeTables.words))
    static let splitterPunctuation = ScalarSet(ranges(UnicodeTables.punctuation))
    static let splitterNumerals = ScalarSet(ranges(UnicodeTables.numerals))
    static let splitterSpaces = ScalarSet(whitespace)
    static let accents = ScalarSet(ranges(UnicodeTables.marks))

    /// The set of `\p{name}`; `nil` if there is none of that name.
    static func property(_ name: String) -> ScalarRanges? {
        let key = name.lowercased().filter { $0 != " " && $0 != "_" && $0 != "-" }
        if let set = category(longNames[key] ?? key) { return set }
        if let table = scripts[key] { return ranges(table) }
        switch key {
        case "any": return .all
        case "ascii": return ScalarRanges([0..<0x80])
        case "space", "whitespace": return whitespace
        case "word": return wordCharacters
        case "digit": return category("nd")
        case "alnum": return ["l", "m", "nd", "nl"].reduce(ScalarRanges.none) { $0.union(category($1) ?? .none) }
        case "punct": return category("p")
        default: return nil
        }
    }

    private static func category(_ key: String) -> ScalarRanges? {
        if let index = categoryNames.firstIndex(of: key) { return categories[index] }
        guard key.count == 1 else { return nil }
        let parts = categoryNames.indices.filter { categoryNames[$0].hasPrefix(key) }
        return parts.isEmpty ? nil : parts.reduce(ScalarRanges.none) { $0.union(categories[$1]) }
    }

    /// The hexadecimal numbers of a table.
    static func numbers(_ table: StaticString) -> [UInt32] {
        table.withUTF8Buffer { bytes in
            var numbers: [UInt32] = []
            var value: UInt32 = 0
            var isInNumber = false
            for byte in bytes {
                if let digit = digit(byte) {
                    value = value << 4 | digit
                    isInNumber = true
                } else if isInNumber {
                    numbers.append(value)
                    (value, isInNumber) = (0, false)
                }
            }
            if isInNumber { numbers.append(value) }
            return numbers
        }
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        default: nil
        }
    }

    private static func ranges(_ table: StaticString) -> ScalarRanges {
        var ranges: [Range<UInt32>] = []
        var place: UInt32 = 0
        let distances = numbers(table)
        for index in stride(from: 0, to: distances.count - 1, by: 2) {
            let start = place + distances[index]
            place = start + distances[index + 1]
            ranges.append(start..<place)
        }
        return ScalarRanges(ranges)
    }
}
