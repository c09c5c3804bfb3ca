/// Turns tokens back into text: the bytes of each token, and what depends on its neighbours.
struct TokenDecoder: Sendable {
    /// What becomes of bytes that are no UTF-8.
    enum Repair: Sendable {
        /// One U+FFFD for each sequence that can't be completed, as Unicode recommends.
        case perSequence
        /// One U+FFFD for each byte.
        case perByte
    }

    /// What each token stands for, by id.
    var bytes = ByteTable()
    var repair = Repair.perSequence
    /// Blanks that are taken away at the beginning of the text.
    var leadingBlanks = 0
    /// The first token's blanks are left out.
    var dropsBlanksOfFirst = false
    /// Between tokens.
    var separator: [UInt8] = []
    /// By token id: a blank follows if another token does. Empty: none.
    var hasBlankBehind: [Bool] = []
}

extension TokenDecoder {
    /// What decoding has to remember between tokens.
    struct State: Sendable {
        fileprivate var isFirst: Bool
        fileprivate var owesBlank = false
        fileprivate var blanksToDrop: Int

        /// - Parameter continuesText: the first token is not the first of its text.
        init(_ decoder: TokenDecoder, continuesText: Bool = false) {
            isFirst = !continuesText
            blanksToDrop = continuesText ? 0 : decoder.leadingBlanks
        }
    }

    /// Appends what `token` adds to the text; nothing for an id outside the vocabulary.
    func append(_ token: TokenID, to result: inout [UInt8], _ state: inout State) {
        guard let range = bytes.range(Int(token)) else { return }
        if state.owesBlank { result.append(0x20) }
        if !state.isFirst { result += separator }
        var piece = bytes.bytes[range]
        while state.blanksToDrop > 0, let first = piece.first {
            guard first == 0x20 else {
                state.blanksToDrop = 0
                break
            }
            piece.removeFirst()
            state.blanksToDrop -= 1
        }
        if state.isFirst, dropsBlanksOfFirst {
            for byte in piece where byte != 0x20 { result.append(byte) }
        } else {
            result += piece
        }
        state.isFirst = false
        state.owesBlank = hasBlankBehind.indices.contains(Int(token)) && hasBlankBehind[Int(token)]
    }

    func text(_ bytes: ArraySlice<UInt8>) -> String {
        guard repair == .perByte, String(validating: bytes, as: UTF8.self) == nil else { return String(decoding: bytes, as: UTF8.self) }
        var text = ""
        var rest = bytes
        while let byte = rest.first {
            let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
            if let scalar = String(validating: rest.prefix(length), as: UTF8.self) {
                text += scalar
                rest.removeFirst(min(length, rest.count))
            } else {
                text.unicodeScalars.append("\u{FFFD}")
                rest.removeFirst()
            }
        }
        return text
    }
}
