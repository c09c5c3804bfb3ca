/// A chat template: Jinja source that turns a conversation into a prompt.
public struct ChatTemplate: Sendable {
    /// - Throws: ``InferenceError`` `invalidTemplate` with line and column.
    public init(source: String, bosToken: String?, eosToken: String?) throws(InferenceError) {}

    /// - Throws: ``InferenceError`` `templateRejected` with the template's own message (`raise_exception`) or the rendering error.
    public func render(
        messages: [TemplateValue],
        tools: [TemplateValue]? = nil,
        addGenerationPrompt: Bool = true,
        variables: [TemplateValue.Member] = []
    ) throws(InferenceError) -> RenderedPrompt {
        RenderedPrompt(text: "")
    }
}
