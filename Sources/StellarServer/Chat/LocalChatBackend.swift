public import StellarInference
public import StellarProtocol

/// The backend of this process: one loaded model on one engine.
///
/// Rendering the template and tokenising happen on the caller's task, which for a long conversation takes milliseconds of CPU time.
public struct LocalChatBackend: ChatBackend {
    private let engine: InferenceEngine
    private let contextLength: Int
    public let models: [ModelObject]
    public let fingerprint: String

    /// - Parameter version: the program's, which is part of the fingerprint.
    public init(engine: InferenceEngine, version: String) {
        let model = engine.model
        self.engine = engine
        contextLength = engine.contextLength
        models = [ModelObject(id: model.name, created: model.created, contextLength: contextLength)]
        fingerprint = Self.fingerprint(of: "\(version) \(model.name) \(model.created) \(model.summary)")
    }

    public var load: BackendLoad {
        let status = engine.status
        let usage = status.totalCacheBlocks > 0 ? Double(status.usedCacheBlocks) / Double(status.totalCacheBlocks) : 0
        return BackendLoad(
            running: status.running,
            waiting: status.waiting,
            maxWaiting: engine.configuration.maxQueue,
            cacheUsage: usage
        )
    }

    public func start(_ generation: ChatGeneration) async throws(APIError) -> [ChatStream] {
        let tokens = try promptTokens(of: generation.request.messages)
        var streams: [ChatStream] = []
        for choice in 0..<generation.request.choiceCount {
            streams.append(try stream(engineRequest(generation.request, tokens, choice)))
        }
        return streams
    }

    private func promptTokens(of messages: [ChatMessage]) throws(APIError) -> [TokenID] {
        guard let template = engine.model.chatTemplate else {
            throw .invalidRequest(
                "The model \(engine.model.name) has no chat template: it completes text but can't chat.",
                param: "model",
                code: "no_chat_template"
            )
        }
        let tokens: [TokenID]
        do throws(InferenceError) {
            tokens = engine.model.tokenizer.encode(try template.render(messages: messages.map(TemplateValue.init)))
        } catch {
            throw APIError(error)
        }
        guard !tokens.isEmpty else {
            throw .invalidRequest("The conversation makes an empty prompt.", param: "messages", code: "empty_prompt")
        }
        guard tokens.count < contextLength else {
            throw .contextLengthExceeded(promptTokens: tokens.count, contextLength: contextLength)
        }
        return tokens
    }

    /// A limit beyond the context is cut to it: the reply then ends with `length`, which tells the client.
    private func engineRequest(_ request: ValidatedChatRequest, _ tokens: [TokenID], _ choice: Int) -> GenerationRequest {
        GenerationRequest(
            promptTokens: tokens,
            sampling: engine.model.defaultSampling.applying(request.sampling, choice: choice),
            maxTokens: request.maxTokens.map { min($0, contextLength - tokens.count) },
            stopStrings: request.stop,
            ignoreEOS: request.ignoresEndOfReply,
            logprobs: request.logprobs
        )
    }

    private func stream(_ request: GenerationRequest) throws(APIError) -> ChatStream {
        let tokenizer = engine.model.tokenizer
        do throws(InferenceError) {
            return try engine.generate(request).compactMap { ChoiceEvent($0, tokenizer) }
        } catch {
            throw APIError(error)
        }
    }

    /// FNV-1a (64 bits) of `text`, as the API writes fingerprints.
    private static func fingerprint(of text: String) -> String {
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "fp_" + String(hash, radix: 16)
    }
}

extension ChoiceEvent {
    /// `nil` for what clients are not told.
    fileprivate init?(_ event: GenerationEvent, _ tokenizer: Tokenizer) {
        switch event {
        case .queued, .prefill, .promptLogprobs: return nil
        case .started(let start):
            self = .started(start)
        case .delta(let delta):
            self = .delta(
                ChoiceDelta(
                    text: delta.text,
                    tokenCount: delta.tokens.count,
                    logprobs: delta.logprobs.map { .init($0, tokenizer) }
                )
            )
        case .finished(let summary):
            self = .finished(ChoiceEnd(finishReason: summary.reason.rawValue, usage: summary.usage, timings: summary.timings))
        }
    }
}

extension ChoiceLogprobs.TokenLogprobs {
    fileprivate init(_ logprob: TokenLogprob, _ tokenizer: Tokenizer) {
        let top = logprob.top.map { candidate in
            ChoiceLogprobs.Candidate(
                token: tokenizer.decode([candidate.token]),
                logprob: Double(candidate.logprob),
                bytes: tokenizer.bytes(of: candidate.token)
            )
        }
        self.init(
            token: tokenizer.decode([logprob.token]),
            logprob: Double(logprob.logprob),
            bytes: tokenizer.bytes(of: logprob.token),
            topLogprobs: top
        )
    }
}
