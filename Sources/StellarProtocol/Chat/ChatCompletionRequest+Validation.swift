extension ChatCompletionRequest {
    /// Checks every value's range, and that the request asks for nothing that a text model on this server can't do.
    ///
    /// - Throws: ``APIError`` 400 whose `param` names the field.
    public func validate(limits: ChatRequestLimits = ChatRequestLimits()) throws(APIError) -> ValidatedChatRequest {
        guard !messages.isEmpty else {
            throw .invalidRequest("'messages' must hold at least one message.", param: "messages", code: "empty_array")
        }
        guard messages.count <= limits.maxMessages else {
            throw .invalidRequest(
                "'messages' may hold at most \(limits.maxMessages) messages.",
                param: "messages",
                code: "array_above_max_length"
            )
        }
        for (index, message) in messages.enumerated() { try message.validate(at: "messages[\(index)]") }
        var request = try validateOptions(limits: limits, input: .conversation(messages))
        request.continuesLastMessage = try continuesLastMessage()
        return request
    }

    /// Checks everything but the messages.
    func validateOptions(limits: ChatRequestLimits, input: ValidatedChatRequest.Input) throws(APIError) -> ValidatedChatRequest {
        try refuseUnsupported()
        return ValidatedChatRequest(
            model: model.flatMap { $0.isEmpty ? nil : $0 },
            input: input,
            isStreaming: stream ?? false,
            includesUsage: streamOptions?.includeUsage ?? false,
            choiceCount: try inRange(n, 1...max(1, limits.maxChoices), "n") ?? 1,
            maxTokens: try validatedMaxTokens(),
            stop: try validatedStop(limits),
            sampling: try validatedSampling(),
            logprobs: try validatedLogprobs(),
            ignoresEndOfReply: ignoreEOS ?? false,
            sessionID: sessionID,
            timeoutSeconds: try validatedTimeout()
        )
    }

    private func validatedTimeout() throws(APIError) -> Double? {
        guard let timeout else { return nil }
        guard timeout > 0, timeout <= 86_400 else {
            throw .invalidRequest(
                "Invalid value for 'timeout': \(timeout) is not a number of seconds above 0 and at most 86400.",
                param: "timeout",
                code: "invalid_value"
            )
        }
        return timeout
    }

    private func continuesLastMessage() throws(APIError) -> Bool {
        let endsWithAssistant = messages.last?.role == "assistant"
        guard continueFinalMessage == true else {
            return endsWithAssistant && continueFinalMessage == nil && addGenerationPrompt != true
        }
        guard addGenerationPrompt != true else {
            throw .invalidRequest(
                "'add_generation_prompt' and 'continue_final_message' can't both be true: a reply is either begun or continued.",
                param: "continue_final_message",
                code: "invalid_value"
            )
        }
        guard endsWithAssistant else {
            throw .invalidRequest(
                "'continue_final_message' needs an assistant's message at the end of 'messages'.",
                param: "continue_final_message",
                code: "invalid_value"
            )
        }
        return true
    }

    private func validatedSampling() throws(APIError) -> ValidatedChatRequest.SamplingOptions {
        var options = ValidatedChatRequest.SamplingOptions(logitBias: try validatedLogitBias())
        options.temperature = try inRange(temperature, 0...2, "temperature")
        options.topP = try inRange(topP, 0...1, "top_p")
        options.topK = try inRange(topK, -1...Int(Int32.max), "top_k").map { max(0, $0) }
        options.minP = try inRange(minP, 0...1, "min_p")
        options.repetitionPenalty = try inRange(repetitionPenalty, 0.01...10, "repetition_penalty")
        options.presencePenalty = try inRange(presencePenalty, -2...2, "presence_penalty")
        options.frequencyPenalty = try inRange(frequencyPenalty, -2...2, "frequency_penalty")
        options.seed = seed.map { UInt64(bitPattern: Int64($0)) }
        return options
    }

    /// `max_completion_tokens` counts where both are given: it is the newer name.
    private func validatedMaxTokens() throws(APIError) -> Int? {
        let older = try atLeastOne(maxTokens, "max_tokens")
        return try atLeastOne(maxCompletionTokens, "max_completion_tokens") ?? older
    }

    private func validatedStop(_ limits: ChatRequestLimits) throws(APIError) -> [String] {
        let strings = stop?.strings ?? []
        guard strings.count <= limits.maxStopStrings else {
            throw .invalidRequest(
                "'stop' may hold at most \(limits.maxStopStrings) strings.",
                param: "stop",
                code: "array_above_max_length"
            )
        }
        guard !strings.contains("") else {
            throw .invalidRequest("'stop' must not hold an empty string.", param: "stop", code: "invalid_value")
        }
        return strings
    }

    private func validatedLogprobs() throws(APIError) -> Int? {
        let count = try inRange(topLogprobs, 0...20, "top_logprobs")
        guard logprobs ?? false else {
            guard count == nil else {
                throw .invalidRequest("'top_logprobs' needs 'logprobs' to be true.", param: "top_logprobs", code: "invalid_value")
            }
            return nil
        }
        return count ?? 0
    }

    private func validatedLogitBias() throws(APIError) -> [Int32: Double] {
        var biases: [Int32: Double] = [:]
        for (key, bias) in logitBias ?? [:] {
            guard let token = Int32(key), token >= 0 else {
                throw .invalidRequest("The keys of 'logit_bias' must be token ids.", param: "logit_bias", code: "invalid_value")
            }
            biases[token] = try inRange(bias, -100...100, "logit_bias")
        }
        return biases
    }

    /// Asking for what can't be done must not fail silently: a client that wants JSON and gets prose has no way to know.
    private func refuseUnsupported() throws(APIError) {
        if let format = responseFormat, format.type != "text" {
            throw .unsupported(
                "'response_format' of type '\(format.type.prefix(64))' is not supported yet: only 'text' is.",
                param: "response_format"
            )
        }
        if let tools, !tools.isEmpty {
            throw .unsupported("'tools' are not supported yet.", param: "tools")
        }
        if let functions, !functions.isEmpty {
            throw .unsupported("'functions' are not supported yet.", param: "functions")
        }
        if let choice = toolChoice, choice != .mode("none"), choice != .mode("auto") {
            throw .unsupported("'tool_choice' asks for a tool, and tools are not supported yet.", param: "tool_choice")
        }
        if let modalities, modalities.contains(where: { $0 != "text" }) {
            throw .unsupported("The model writes text only: 'modalities' must be [\"text\"].", param: "modalities")
        }
        if webSearchOptions != nil {
            throw .unsupported("'web_search_options' are not supported: the model does not search.", param: "web_search_options")
        }
    }

    private func atLeastOne(_ value: Int?, _ name: String) throws(APIError) -> Int? {
        guard let value else { return nil }
        guard value >= 1 else {
            throw .invalidRequest("Invalid value for '\(name)': \(value) is less than 1.", param: name, code: "invalid_value")
        }
        return value
    }

    private func inRange<Value: Comparable>(_ value: Value?, _ range: ClosedRange<Value>, _ name: String) throws(APIError) -> Value? {
        guard let value else { return nil }
        guard range.contains(value) else {
            throw .invalidRequest(
                "Invalid value for '\(name)': \(value) is not in the range \(range.lowerBound) to \(range.upperBound).",
                param: name,
                code: "invalid_value"
            )
        }
        return value
    }
}

extension ChatMessage {
    /// The roles that a message may have.
    public static let roles: Set<String> = ["system", "developer", "user", "assistant", "tool", "function"]

    fileprivate func validate(at path: String) throws(APIError) {
        guard Self.roles.contains(role) else {
            throw .invalidRequest(
                "Invalid value for '\(path).role': it must be system, developer, user, assistant, tool or function.",
                param: "\(path).role",
                code: "invalid_value"
            )
        }
        guard content != nil || role == "assistant" else {
            throw .invalidRequest("'\(path).content' is missing: only an assistant's may be null.", param: "\(path).content")
        }
        guard case .parts(let parts) = content else { return }
        for (index, part) in parts.enumerated() {
            guard case .other(let type, _) = part else { continue }
            throw .invalidRequest(
                "The model reads text only: '\(path).content[\(index)]' is of type '\(type.prefix(64))'.",
                param: "\(path).content[\(index)]",
                code: "unsupported_content"
            )
        }
    }

    /// The text of the content: a string as it is, parts joined; empty where there is none.
    public var text: String {
        switch content {
        case nil: return ""
        case .text(let text): return text
        case .parts(let parts):
            let texts = parts.map { part in
                switch part {
                case .text(let text), .refusal(let text): text
                case .other: ""
                }
            }
            return texts.joined(separator: "\n")
        }
    }
}
