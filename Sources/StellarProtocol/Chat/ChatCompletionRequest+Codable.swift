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
    }

    private static let knownFields = Set(CodingKeys.allCases.map(\.rawValue))

    /// An absent `messages` decodes as an empty one, which validation refuses.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        messages = try container.optional([ChatMessage].self, .messages) ?? []
        model = try container.optional(String.self, .model)
        stream = try container.optional(Bool.self, .stream)
        streamOptions = try container.optional(StreamOptions.self, .streamOptions)
        maxTokens = try container.optional(Int.self, .maxTokens)
        maxCompletionTokens = try container.optional(Int.self, .maxCompletionTokens)
        temperature = try container.optional(Double.self, .temperature)
        topP = try container.optional(Double.self, .topP)
        n = try container.optional(Int.self, .n)
        stop = try container.optional(StopSequences.self, .stop)
        presencePenalty = try container.optional(Double.self, .presencePenalty)
        frequencyPenalty = try container.optional(Double.self, .frequencyPenalty)
        logitBias = try container.decodeIfPresent([String: Double].self, forKey: .logitBias)
        seed = try container.optional(Int.self, .seed)
        logprobs = try container.optional(Bool.self, .logprobs)
        topLogprobs = try container.optional(Int.self, .topLogprobs)
        responseFormat = try container.optional(ResponseFormat.self, .responseFormat)
        tools = try container.optional([ChatTool].self, .tools)
        toolChoice = try container.optional(ToolChoice.self, .toolChoice)
        parallelToolCalls = try container.optional(Bool.self, .parallelToolCalls)
        functions = try container.optional([JSONValue].self, .functions)
        functionCall = try container.optional(JSONValue.self, .functionCall)
        user = try container.optional(String.self, .user)
        safetyIdentifier = try container.optional(String.self, .safetyIdentifier)
        promptCacheKey = try container.optional(String.self, .promptCacheKey)
        promptCacheRetention = try container.optional(String.self, .promptCacheRetention)
        metadata = try container.optional(JSONValue.self, .metadata)
        store = try container.optional(Bool.self, .store)
        serviceTier = try container.optional(String.self, .serviceTier)
        reasoningEffort = try container.optional(String.self, .reasoningEffort)
        verbosity = try container.optional(String.self, .verbosity)
        modalities = try container.optional([String].self, .modalities)
        audio = try container.optional(JSONValue.self, .audio)
        prediction = try container.optional(JSONValue.self, .prediction)
        webSearchOptions = try container.optional(JSONValue.self, .webSearchOptions)
        topK = try container.optional(Int.self, .topK)
        minP = try container.optional(Double.self, .minP)
        repetitionPenalty = try container.optional(Double.self, .repetitionPenalty)
        ignoreEOS = try container.optional(Bool.self, .ignoreEOS)
        sessionID = try container.optional(String.self, .sessionID)
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
    }
}

extension KeyedDecodingContainer {
    /// The value of a field, `nil` where it is absent or `null`. Foundation reports a number that does not fit by an error of its own
    /// that does not say where the number stands; here the path is added.
    fileprivate func optional<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
        do {
            return try decodeIfPresent(type, forKey: key)
        } catch let error as DecodingError {
            throw error
        } catch {
            let reason = type == Int.self ? "it must be an integer of 64 bits" : "the number is out of range"
            throw DecodingError.dataCorrupted(.init(codingPath: codingPath + [key], debugDescription: reason))
        }
    }
}
