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

/// The pre-tokenisers by the names that GGUF files use in `tokenizer.ggml.pre`.
package enum PreTokenizers {
    /// - Throws: ``InferenceError`` `unsupportedModel` that names an unknown one.
    package static func named(_ name: String) throws(InferenceError) -> any PreTokenizer {
        switch name {
        case "smollm": return GPT2PreTokenizer(splitsDigits: true)
        case "gpt-2", "default": return GPT2PreTokenizer(splitsDigits: false)
        default:
            throw InferenceError(
                .unsupportedModel,
                "The model's pre-tokenizer \(quoted(name)) is not supported; smollm, gpt-2 and default are."
            )
        }
    }
}
