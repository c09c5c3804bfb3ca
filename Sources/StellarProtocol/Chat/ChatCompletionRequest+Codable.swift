extension ChatCompletionRequest: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case messages
        case model
        case stream
        case streamOptions = "stream_options"
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case temperature
        case topP = "top_p"
        case n
        case stop
        case presencePenalty = "presence_penalty"
        case frequencyPenalty = "frequency_penalty"
        case logitBias = "logit_bias"
        case seed
        case logprobs
        case topLogprobs = "top_logprobs"
        case responseFormat = "response_format"
        case tools
        case toolChoice = "tool_choice"
        case parallelToolCalls = "parallel_tool_calls"
        case functions
        case functionCall = "function_call"
        case user
        case safetyIdentifier = "safety_identifier"
        case promptCacheKey = "prompt_cache_key"
        case promptCacheRetention = "prompt_cache_retention"
        case metadata
        case store
        case serviceTier = "service_tier"
        case reasoningEffort = "reasoning_effort"
        case verbosity
        case modalities
        case audio
        case prediction
        case webSearchOptions = "web_search_options"
        case topK = "top_k"
        case minP = "min_p"
        case repetitionPenalty = "repetition_penalty"
        case ignoreEOS = "ignore_eos"
        case sessionID = "session_id"
        case timeout
        case addGenerationPrompt = "add_generation_prompt"
        case continueFinalMessage = "continue_final_message"
    }

    private static let knownFields = Set(CodingKeys.allCases.map(\.rawValue))

    /// An absent `messages` decodes as an empty one, which validation refuses.
    public init(from decoder: any Decoder) throws {
        try self.init(from: decoder, excluding: [])
    }

    /// - Parameter excluded: fields that mean something else in the document that is read.
    init(from decoder: any Decoder, excluding excluded: Set<CodingKeys>) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        messages = excluded.contains(.messages) ? [] : try container.decodeIfPresent([ChatMessage].self, forKey: .messages) ?? []
        model = try container.decodeIfPresent(String.self, forKey: .model)
        stream = try container.decodeIfPresent(Bool.self, forKey: .stream)
        streamOptions = try container.decodeIfPresent(StreamOptions.self, forKey: .streamOptions)
        maxTokens = try container.decodeIfPresent(Int.self, forKey: .maxTokens)
        maxCompletionTokens = try container.decodeIfPresent(Int.self, forKey: .maxCompletionTokens)
        temperature = try container.decodeIfPresent(Double.self, forKey: .temperature)
        topP = try container.decodeIfPresent(Double.self, forKey: .topP)
        n = try container.decodeIfPresent(Int.self, forKey: .n)
        stop = try container.decodeIfPresent(StopSequences.self, forKey: .stop)
        presencePenalty = try container.decodeIfPresent(Double.self, forKey: .presencePenalty)
        frequencyPenalty = try container.decodeIfPresent(Double.self, forKey: .frequencyPenalty)
        logitBias = try container.decodeIfPresent([String: Double].self, forKey: .logitBias)
        seed = try container.decodeIfPresent(Int.self, forKey: .seed)
        logprobs = excluded.contains(.logprobs) ? nil : try container.decodeIfPresent(Bool.self, forKey: .logprobs)
        topLogprobs = try container.decodeIfPresent(Int.self, forKey: .topLogprobs)
        responseFormat = try container.decodeIfPresent(ResponseFormat.self, forKey: .responseFormat)
        tools = try container.decodeIfPresent([ChatTool].self, forKey: .tools)
        toolChoice = try container.decodeIfPresent(ToolChoice.self, forKey: .toolChoice)
        parallelToolCalls = try container.decodeIfPresent(Bool.self, forKey: .parallelToolCalls)
        functions = try container.decodeIfPresent([JSONValue].self, forKey: .functions)
        functionCall = try container.decodeIfPresent(JSONValue.self, forKey: .functionCall)
        user = try container.decodeIfPresent(String.self, forKey: .user)
        safetyIdentifier = try container.decodeIfPresent(String.self, forKey: .safetyIdentifier)
        promptCacheKey = try container.decodeIfPresent(String.self, forKey: .promptCacheKey)
        promptCacheRetention = try container.decodeIfPresent(String.self, forKey: .promptCacheRetention)
        metadata = try container.decodeIfPresent(JSONValue.self, forKey: .metadata)
        store = try container.decodeIfPresent(Bool.self, forKey: .store)
        serviceTier = try container.decodeIfPresent(String.self, forKey: .serviceTier)
        reasoningEffort = try container.decodeIfPresent(String.self, forKey: .reasoningEffort)
        verbosity = try container.decodeIfPresent(String.self, forKey: .verbosity)
        modalities = try container.decodeIfPresent([String].self, forKey: .modalities)
        audio = try container.decodeIfPresent(JSONValue.self, forKey: .audio)
        prediction = try container.decodeIfPresent(JSONValue.self, forKey: .prediction)
        webSearchOptions = try container.decodeIfPresent(JSONValue.self, forKey: .webSearchOptions)
        topK = try container.decodeIfPresent(Int.self, forKey: .topK)
        minP = try container.decodeIfPresent(Double.self, forKey: .minP)
        repetitionPenalty = try container.decodeIfPresent(Double.self, forKey: .repetitionPenalty)
        ignoreEOS = try container.decodeIfPresent(Bool.self, forKey: .ignoreEOS)
        sessionID = try container.decodeIfPresent(String.self, forKey: .sessionID)
        timeout = try container.decodeIfPresent(Double.self, forKey: .timeout)
        addGenerationPrompt = try container.decodeIfPresent(Bool.self, forKey: .addGenerationPrompt)
        continueFinalMessage = try container.decodeIfPresent(Bool.self, forKey: .continueFinalMessage)
        let names = try decoder.container(keyedBy: AnyCodingKey.self).allKeys.map(\.stringValue)
        unknownFields = names.filter { !Self.knownFields.contains($0) }.sorted()
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(messages, forKey: .messages)
        try encodeFields(into: &container)
    }

    /// All fields but `messages`.
    func encodeFields(into container: inout KeyedEncodingContainer<CodingKeys>) throws {
        try container.encodeIfPresent(model, forKey: .model)
        try container.encodeIfPresent(stream, forKey: .stream)
        try container.encodeIfPresent(streamOptions, forKey: .streamOptions)
        try container.encodeIfPresent(maxTokens, forKey: .maxTokens)
        try container.encodeIfPresent(maxCompletionTokens, forKey: .maxCompletionTokens)
        try container.encodeIfPresent(temperature, forKey: .temperature)
        try container.encodeIfPresent(topP, forKey: .topP)
        try container.encodeIfPresent(n, forKey: .n)
        try container.encodeIfPresent(stop, forKey: .stop)
        try container.encodeIfPresent(presencePenalty, forKey: .presencePenalty)
        try container.encodeIfPresent(frequencyPenalty, forKey: .frequencyPenalty)
        try container.encodeIfPresent(logitBias, forKey: .logitBias)
        try container.encodeIfPresent(seed, forKey: .seed)
        try container.encodeIfPresent(logprobs, forKey: .logprobs)
        try container.encodeIfPresent(topLogprobs, forKey: .topLogprobs)
        try container.encodeIfPresent(responseFormat, forKey: .responseFormat)
        try container.encodeIfPresent(tools, forKey: .tools)
        try container.encodeIfPresent(toolChoice, forKey: .toolChoice)
        try container.encodeIfPresent(parallelToolCalls, forKey: .parallelToolCalls)
        try container.encodeIfPresent(functions, forKey: .functions)
        try container.encodeIfPresent(functionCall, forKey: .functionCall)
        try container.encodeIfPresent(user, forKey: .user)
        try container.encodeIfPresent(safetyIdentifier, forKey: .safetyIdentifier)
        try container.encodeIfPresent(promptCacheKey, forKey: .promptCacheKey)
        try container.encodeIfPresent(promptCacheRetention, forKey: .promptCacheRetention)
        try container.encodeIfPresent(metadata, forKey: .metadata)
        try container.encodeIfPresent(store, forKey: .store)
        try container.encodeIfPresent(serviceTier, forKey: .serviceTier)
        try container.encodeIfPresent(reasoningEffort, forKey: .reasoningEffort)
        try container.encodeIfPresent(verbosity, forKey: .verbosity)
        try container.encodeIfPresent(modalities, forKey: .modalities)
        try container.encodeIfPresent(audio, forKey: .audio)
        try container.encodeIfPresent(prediction, forKey: .prediction)
        try container.encodeIfPresent(webSearchOptions, forKey: .webSearchOptions)
        try container.encodeIfPresent(topK, forKey: .topK)
        try container.encodeIfPresent(minP, forKey: .minP)
        try container.encodeIfPresent(repetitionPenalty, forKey: .repetitionPenalty)
        try container.encodeIfPresent(ignoreEOS, forKey: .ignoreEOS)
        try container.encodeIfPresent(sessionID, forKey: .sessionID)
        try container.encodeIfPresent(timeout, forKey: .timeout)
        try container.encodeIfPresent(addGenerationPrompt, forKey: .addGenerationPrompt)
        try container.encodeIfPresent(continueFinalMessage, forKey: .continueFinalMessage)
    }
}
