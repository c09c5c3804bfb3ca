/// The text that a chat template made of a conversation, with the knowledge of which parts are data.
///
/// Text that comes from messages is data: if a user writes `<|im_end|>` it is seven characters of text, not the control token. Only text
/// outside `dataRanges` (the template's own) is searched for special tokens by ``Tokenizer/encode(_:)``.
public struct RenderedPrompt: Sendable, Equatable {
    /// The whole prompt.
    public var text: String
    /// UTF-8 offsets into `text` of what came from the conversation; sorted, not overlapping, not touching, not empty.
    public var dataRanges: [Range<Int>]

    public init(text: String, dataRanges: [Range<Int>] = []) {
        self.text = text
        self.dataRanges = dataRanges
    }
}
