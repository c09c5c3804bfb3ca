package import StellarInference
package import StellarProtocol

extension TemplateValue {
    /// A message as chat templates know it: `role`, `content` as one string, and the rarer keys where there are any.
    ///
    /// `developer` becomes `system`, its older name, which is the one that templates know. Arguments of tool calls stay JSON text.
    package init(_ message: ChatMessage) {
        var members = [
            Member("role", .string(message.role == "developer" ? "system" : message.role)),
            Member("content", .string(message.text)),
        ]
        func add(_ key: String, _ text: String?) {
            if let text { members.append(Member(key, .string(text))) }
        }
        add("name", message.name)
        add("reasoning_content", message.reasoningContent)
        if let calls = message.toolCalls, !calls.isEmpty {
            members.append(Member("tool_calls", .array(calls.map(TemplateValue.init))))
        }
        add("tool_call_id", message.toolCallID)
        self = .object(members)
    }

    private init(_ call: ToolCall) {
        self = .object([
            "id": .string(call.id), "type": .string(call.type ?? "function"),
            "function": .object(["name": .string(call.function.name), "arguments": .string(call.function.arguments)]),
        ])
    }
}

extension SamplingParameters {
    /// These parameters with those that a request names put in their place.
    ///
    /// - Parameter choice: index of the choice, added to the request's seed: choices differ, and each can be had again.
    package func applying(_ options: ValidatedChatRequest.SamplingOptions, choice: Int) -> SamplingParameters {
        var result = self
        if let value = options.temperature { result.temperature = Float(value) }
        if let value = options.topP { result.topP = Float(value) }
        if let value = options.topK { result.topK = value }
        if let value = options.minP { result.minP = Float(value) }
        if let value = options.repetitionPenalty { result.repetitionPenalty = Float(value) }
        if let value = options.presencePenalty { result.presencePenalty = Float(value) }
        if let value = options.frequencyPenalty { result.frequencyPenalty = Float(value) }
        if !options.logitBias.isEmpty { result.logitBias = options.logitBias.mapValues(Float.init) }
        if let seed = options.seed { result.seed = seed &+ UInt64(choice) }
        return result
    }
}
