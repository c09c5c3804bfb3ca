/// Turns plain text into tokens: the part of a tokenizer that differs between the flavours of vocabulary.
protocol TextEncoder: Sendable {
    /// Appends the tokens of `text`, UTF-8 bytes of valid text without special tokens.
    func encode(_ text: UnsafeBufferPointer<UInt8>, into tokens: inout [TokenID])
}

/// The flavours of vocabulary by the names that GGUF files use in `tokenizer.ggml.model`.
enum TokenizerFlavour {
    /// - Returns: the encoder, and the bytes that each token stands for.
    /// - Throws: ``InferenceError`` `unsupportedModel` that names an unknown flavour, `invalidModelFile`.
    static func make(_ vocabulary: TokenizerVocabulary) throws(InferenceError) -> (encoder: any TextEncoder, bytes: ByteTable) {
        switch vocabulary.model {
        case "gpt2": return (try ByteLevelBPE(vocabulary), ByteLevelBPE.bytes(vocabulary))
        default:
            throw InferenceError(
                .unsupportedModel,
                "The model's tokenizer is of type \(quoted(vocabulary.model)), which is not supported; gpt2 (byte-level BPE) is."
            )
        }
    }
}
