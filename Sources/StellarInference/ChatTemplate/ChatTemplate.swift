internal import Foundation

/// A chat template: Jinja source that turns a conversation into a prompt.
///
/// Understands what Jinja 3.1 does in the environment that Hugging Face's `transformers` renders templates in: an immutable sandbox with
/// `trim_blocks`, `lstrip_blocks`, loop controls, `generation` blocks, and `tojson`, `raise_exception` and `strftime_now` of its own.
/// Strings from the conversation are followed through the template, so that ``RenderedPrompt`` knows which text is data.
///
/// Templates are not trusted: nesting, work and the length of texts are bounded, and what goes beyond is an error.
///
/// Thread contract: a value; rendering may happen on any threads at the same time and needs at most 300 KiB of stack.
public struct ChatTemplate: Sendable {
    private let body: [JinjaStatement]
    /// For conversations with tools, where a model has a template of its own for them.
    private let toolUseBody: [JinjaStatement]?
    private let limits = JinjaLimits()
    private let bosToken: String?
    private let eosToken: String?

    /// Parses `source`; the tokens are what the template sees as `bos_token` and `eos_token`.
    ///
    /// - Parameter toolUseSource: The template for conversations with tools; `nil`: the same one.
    /// - Throws: ``InferenceError`` `invalidTemplate` with line and column.
    public init(source: String, toolUseSource: String? = nil, bosToken: String?, eosToken: String?) throws(InferenceError) {
        body = try Self.parse(source, limits)
        toolUseBody = if let toolUseSource { try Self.parse(toolUseSource, limits) } else { nil }
        self.bosToken = bosToken
        self.eosToken = eosToken
    }

    private static func parse(_ source: String, _ limits: JinjaLimits) throws(InferenceError) -> [JinjaStatement] {
        do {
            return try JinjaParser.parse(source, limits: limits)
        } catch let error as JinjaError {
            throw error.inferenceError
        } catch {
            throw InferenceError(.invalidTemplate, "\(error)")
        }
    }

    /// The prompt of a conversation.
    ///
    /// - Parameters:
    ///   - messages: Objects with `role` and `content`, and whatever else the template knows.
    ///   - tools: Descriptions of functions that the model may call; `nil` is `none` to the template.
    ///   - addGenerationPrompt: End the prompt with the start of the model's turn.
    ///   - variables: Further variables, such as `enable_thinking`; they win over those of the same names given here.
    /// - Throws: ``InferenceError`` `templateRejected` with the template's own message (`raise_exception`) or the rendering error.
    public func render(
        messages: [TemplateValue],
        tools: [TemplateValue]? = nil,
        addGenerationPrompt: Bool = true,
        variables: [TemplateValue.Member] = []
    ) throws(InferenceError) -> RenderedPrompt {
        try render(
            messages: messages,
            tools: tools,
            addGenerationPrompt: addGenerationPrompt,
            variables: variables,
            clock: Self.systemClock
        )
    }

    /// Seconds since 1970, as the system has them.
    package static func systemClock() -> Double { Date().timeIntervalSince1970 }

    /// As above, with the clock that `strftime_now` reads, in seconds since 1970.
    package func render(
        messages: [TemplateValue],
        tools: [TemplateValue]? = nil,
        addGenerationPrompt: Bool = true,
        variables: [TemplateValue.Member] = [],
        clock: @escaping () -> Double
    ) throws(InferenceError) -> RenderedPrompt {
        var members: [TemplateValue.Member] = [
            .init("messages", .array(messages)),
            .init("tools", tools.map { .array($0) } ?? .null),
            .init("documents", .null),
            .init("add_generation_prompt", .bool(addGenerationPrompt)),
        ]
        members += variables
        return try render(members, clock: clock)
    }

    /// Renders with nothing but `members` and the special tokens as variables.
    package func render(_ members: [TemplateValue.Member], clock: @escaping () -> Double = systemClock) throws(InferenceError)
        -> RenderedPrompt
    {
        do {
            let variables = try Self.variables(members, bosToken, eosToken)
            let body = toolUseBody.map { Self.hasTools(members) ? $0 : self.body } ?? self.body
            let text = try JinjaInterpreter(variables: variables, limits: limits, clock: clock).render(body)
            return RenderedPrompt(text: text.text, dataRanges: text.marks)
        } catch let error as JinjaError {
            throw error.inferenceError
        } catch {
            throw InferenceError(.templateRejected, "\(error)")
        }
    }

    private static func hasTools(_ members: [TemplateValue.Member]) -> Bool {
        guard case .array(let tools)? = members.last(where: { $0.key == "tools" })?.value else { return false }
        return !tools.isEmpty
    }

    private static func variables(_ members: [TemplateValue.Member], _ bos: String?, _ eos: String?) throws -> [String: JinjaValue] {
        var variables: [String: JinjaValue] = [:]
        if let bos { variables["bos_token"] = .string(bos) }
        if let eos { variables["eos_token"] = .string(eos) }
        for member in members { variables[member.key] = try JinjaValue(member.value) }
        return variables
    }
}
