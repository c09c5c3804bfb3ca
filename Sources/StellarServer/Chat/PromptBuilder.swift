package import StellarInference
package import StellarProtocol

/// Makes the tokens of prompts out of what requests hold.
struct PromptBuilder: Sendable {
    let model: LanguageModel
    let contextLength: Int

    /// The prompt of a conversation.
    ///
    /// - Parameter continuesLast: The prompt ends inside the last message, so that the model goes on with it.
    func conversation(_ messages: [ChatMessage], continuesLast: Bool) throws(APIError) -> [TokenID] {
        try fitting(try render(messages, continuesLast: continuesLast), param: "messages")
    }

    /// The prompt of a legacy completion.
    func completion(_ prompt: CompletionPrompt) throws(APIError) -> [TokenID] {
        switch prompt {
        case .text(let text):
            let tokens = model.tokenizer.encodeCompletion(text)
            // A model always needs one token to start from.
            let start = [model.tokenizer.bosToken ?? model.tokenizer.eosToken].compactMap { $0 }
            return try fitting(tokens.isEmpty ? start : tokens, param: "prompt")
        case .tokens(let tokens): return try fitting(try checked(tokens, param: "prompt"), param: "prompt")
        }
    }

    /// - Throws: 400 for an id outside of the vocabulary.
    func checked(_ tokens: [Int], param: String) throws(APIError) -> [TokenID] {
        guard let wrong = tokens.first(where: { !(0..<model.tokenizer.vocabularySize).contains($0) }) else {
            return tokens.map { TokenID($0) }
        }
        throw .invalidRequest(
            "'\(param)' holds the token \(wrong); 0 to \(model.tokenizer.vocabularySize - 1) is possible.",
            param: param,
            code: "invalid_value"
        )
    }

    private func fitting(_ tokens: [TokenID], param: String) throws(APIError) -> [TokenID] {
        guard !tokens.isEmpty else { throw .invalidRequest("The prompt is empty.", param: param, code: "empty_prompt") }
        guard tokens.count < contextLength else {
            throw .contextLengthExceeded(promptTokens: tokens.count, contextLength: contextLength, param: param)
        }
        return tokens
    }

    /// The tokens of a rendered conversation, however many.
    func render(_ messages: [ChatMessage], continuesLast: Bool) throws(APIError) -> [TokenID] {
        guard let template = model.chatTemplate else {
            throw .invalidRequest(
                "The model \(model.name) has no chat template: it completes text but can't chat.",
                param: "model",
                code: "no_chat_template"
            )
        }
        do throws(InferenceError) {
            let prompt = try ConversationRenderer(template: template).render(messages, continuesLast: continuesLast)
            return model.tokenizer.encode(prompt)
        } catch {
            throw APIError(error)
        }
    }
}

/// Renders conversations by a chat template, and helps where a template can do less than the API promises.
package struct ConversationRenderer: Sendable {
    private let template: ChatTemplate

    package init(template: ChatTemplate) {
        self.template = template
    }

    /// - Parameter continuesLast: Cut the prompt behind the last message's text.
    /// - Throws: ``InferenceError`` `templateRejected`.
    package func render(_ messages: [ChatMessage], continuesLast: Bool) throws(InferenceError) -> RenderedPrompt {
        // An empty message has nothing to continue: the reply begins where the model's turn does.
        let continues = continuesLast && messages.last.map { !$0.text.isEmpty } == true
        let messages = continuesLast && !continues ? Array(messages.dropLast()) : messages
        let prompt = try renderKeepingSystem(messages, addGenerationPrompt: !continues)
        guard continues, let last = messages.last else { return prompt }
        return try prompt.cut(behind: last.text)
    }

    /// Many templates know one system message at the beginning, and refuse or leave out others: those get one that holds them all.
    private func renderKeepingSystem(_ messages: [ChatMessage], addGenerationPrompt: Bool) throws(InferenceError) -> RenderedPrompt {
        let systems = messages.filter(\.isSystem).map(\.text)
        let needsMerging = systems.count > 1 || (systems.count == 1 && messages.first?.isSystem == false)
        guard needsMerging else { return try renderAsIs(messages, addGenerationPrompt) }
        if let prompt = try? renderAsIs(messages, addGenerationPrompt), systems.allSatisfy({ prompt.text.contains($0.trimmed) }) {
            return prompt
        }
        let merged = ChatMessage(role: "system", content: .text(systems.joined(separator: "\n\n")))
        return try renderAsIs([merged] + messages.filter { !$0.isSystem }, addGenerationPrompt)
    }

    private func renderAsIs(_ messages: [ChatMessage], _ addGenerationPrompt: Bool) throws(InferenceError) -> RenderedPrompt {
        try template.render(messages: messages.map(TemplateValue.init), addGenerationPrompt: addGenerationPrompt)
    }
}

extension ChatMessage {
    fileprivate var isSystem: Bool { role == "system" || role == "developer" }
}

extension String {
    fileprivate var trimmed: Substring {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}

extension RenderedPrompt {
    /// This prompt without what stands behind the last occurrence of `message`: the end of its turn, which the model is to write itself.
    /// Templates may trim messages, so a trimmed occurrence counts too.
    fileprivate func cut(behind message: String) throws(InferenceError) -> RenderedPrompt {
        let bytes = Array(text.utf8)
        for wanted in [message[...], message.trimmed] where !wanted.isEmpty {
            let needle = Array(wanted.utf8)
            guard let end = bytes.lastEnd(of: needle) else { continue }
            let ranges = dataRanges.compactMap { range in
                range.lowerBound < end ? range.clamped(to: 0..<end) : nil
            }
            return RenderedPrompt(text: String(decoding: bytes[..<end], as: UTF8.self), dataRanges: ranges)
        }
        throw InferenceError(
            .templateRejected,
            "the last message does not appear in the prompt, so it can't be continued. Set add_generation_prompt to begin a new reply."
        )
    }
}

extension [UInt8] {
    /// The index behind the last occurrence of `needle`, which is not empty.
    fileprivate func lastEnd(of needle: [UInt8]) -> Int? {
        guard needle.count <= count else { return nil }
        for start in (0...(count - needle.count)).reversed() where self[start] == needle[0] {
            if self[start..<(start + needle.count)].elementsEqual(needle) { return start + needle.count }
        }
        return nil
    }
}
