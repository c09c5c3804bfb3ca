/// Text to token ids and back.
public final class Tokenizer: Sendable {
    init() {}

    /// The ids of a prompt: special tokens are found in the template's own text, never in the conversation's.
    public func encode(_ prompt: RenderedPrompt) -> [TokenID] { [] }

    /// The ids of `text`; the texts of special tokens count as such only where asked.
    public func encode(_ text: String, parsingSpecialTokens: Bool = false) -> [TokenID] { [] }

    /// The text of `tokens`; bytes that form no code point become U+FFFD.
    public func decode(_ tokens: some Sequence<TokenID>, skippingSpecialTokens: Bool = false) -> String { "" }
}
