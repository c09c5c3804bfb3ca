public import StellarInference
public import StellarProtocol

/// The backend of this process: one loaded model on one engine.
///
/// Rendering the template and tokenising happen on the common pool, which for a long conversation takes milliseconds of CPU time.
public struct LocalChatBackend: ChatBackend {
    private let engine: InferenceEngine
    private let prompts: PromptBuilder
    public let models: [ModelObject]
    public let fingerprint: String

    /// - Parameter version: the program's, which is part of the fingerprint.
    public init(engine: InferenceEngine, version: String) {
        let model = engine.model
        self.engine = engine
        prompts = PromptBuilder(model: model, contextLength: engine.contextLength)
        models = [ModelObject(id: model.name, created: model.created, contextLength: engine.contextLength)]
        fingerprint = Self.fingerprint(of: "\(version) \(model.name) \(model.created) \(model.summary)")
    }

    public var load: BackendLoad {
        let status = engine.status
        let usage = status.totalCacheBlocks > 0 ? Double(status.usedCacheBlocks) / Double(status.totalCacheBlocks) : 0
        var load = BackendLoad(
            running: status.running,
            paused: status.paused,
            waiting: status.waiting,
            maxWaiting: engine.configuration.maxQueue,
            cacheUsage: usage
        )
        load.totals.prefixCacheQueries = status.prefixCacheQueries
        load.totals.prefixCacheHits = status.prefixCacheHits
        load.totals.preemptions = status.preemptions
        load.totals.draftedTokens = status.draftedTokens
        load.totals.acceptedTokens = status.acceptedTokens
        return load
    }

    public func start(_ generation: ChatGeneration) async throws(APIError) -> [ChatStream] {
        let request = generation.request
        var streams: [ChatStream] = []
        for prompt in try await promptTokens(of: request) {
            for choice in 0..<request.choiceCount {
                streams.append(try stream(engineRequest(request, prompt, choice), request, prompt))
            }
        }
        return streams
    }

    private func promptTokens(of request: ValidatedChatRequest) async throws(APIError) -> [[TokenID]] {
        do {
            return try await offEventLoop { [prompts] in
                switch request.input {
                case .conversation(let messages):
                    [try prompts.conversation(messages, continuesLast: request.continuesLastMessage)]
                case .prompts(let texts): try texts.map { try prompts.completion($0) }
                }
            }
        } catch {
            throw APIError(anyError: error)
        }
    }

    /// A limit beyond the context is cut to it: the reply then ends with `length`, which tells the client.
    private func engineRequest(_ request: ValidatedChatRequest, _ tokens: [TokenID], _ choice: Int) -> GenerationRequest {
        GenerationRequest(
            promptTokens: tokens,
            sampling: engine.model.defaultSampling.applying(request.sampling, choice: choice),
            maxTokens: request.maxTokens.map { min($0, engine.contextLength - tokens.count) },
            stopStrings: request.stop,
            ignoreEOS: request.ignoresEndOfReply,
            logprobs: request.logprobs,
            promptLogprobs: request.echoesPrompt ? request.logprobs : nil
        )
    }

    private func stream(
        _ engineRequest: GenerationRequest,
        _ request: ValidatedChatRequest,
        _ prompt: [TokenID]
    ) throws(APIError) -> ChatStream {
        let tokenizer = engine.model.tokenizer
        do throws(InferenceError) {
            let events = try engine.generate(engineRequest)
            guard request.echoesPrompt else { return EngineChoiceStream(events: events) { ChoiceEvent($0, tokenizer) } }
            let echo = PromptEcho(prompt: prompt, tokenizer: tokenizer, hasLogprobs: request.logprobs != nil, isAll: request.onlyScores)
            return EngineChoiceStream(events: events) { echo.map($0) }
        } catch {
            throw APIError(error)
        }
    }

    /// FNV-1a (64 bits) of `text`, as the API writes fingerprints.
    private static func fingerprint(of text: String) -> String {
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "fp_" + String(hash, radix: 16)
    }

    public func tokenize(_ request: TokenizeRequest) throws(APIError) -> TokenizeResponse {
        let tokenizer = engine.model.tokenizer
        let tokens: [TokenID]
        if let text = request.content {
            tokens =
                request.addsSpecial
                ? tokenizer.encodeCompletion(text, parsingSpecialTokens: request.parsesSpecial)
                : tokenizer.encode(text, parsingSpecialTokens: request.parsesSpecial)
        } else {
            tokens = try prompts.render(request.messages ?? [], continuesLast: false)
        }
        return TokenizeResponse(
            tokens: tokens.map(Int.init),
            maxModelLength: engine.contextLength,
            pieces: request.withPieces ? tokens.map { tokenizer.decode([$0]) } : nil
        )
    }

    public func detokenize(_ tokens: [Int]) throws(APIError) -> String {
        engine.model.tokenizer.decode(try prompts.checked(tokens, param: "tokens"))
    }
}

/// The events of one of the engine's generations, as those of a choice.
private struct EngineChoiceStream: BatchedChatStream {
    typealias Element = ChoiceEvent

    let events: GenerationStream
    let map: @Sendable (GenerationEvent) -> ChoiceEvent?

    func makeAsyncIterator() -> AsyncCompactMapSequence<GenerationStream, ChoiceEvent>.Iterator {
        events.compactMap(map).makeAsyncIterator()
    }

    func nextBatch() async throws -> [ChoiceEvent]? {
        while let batch = try await events.nextBatch() {
            let mapped = batch.compactMap(map)
            if batch.isEmpty || !mapped.isEmpty { return mapped }
        }
        return nil
    }

    func interrupt() {
        events.interrupt()
    }

    func cancel() {
        events.cancel()
    }
}

/// Puts the prompt in front of a choice of a legacy completion.
private struct PromptEcho: Sendable {
    let prompt: [TokenID]
    let tokenizer: Tokenizer
    let hasLogprobs: Bool
    /// Nothing is wanted beside the prompt.
    let isAll: Bool

    func map(_ event: GenerationEvent) -> ChoiceEvent? {
        switch event {
        case .started where !hasLogprobs:
            return .delta(ChoiceDelta(text: tokenizer.decode(prompt), tokenCount: 0))
        case .promptLogprobs(let entries):
            let logprobs = zip(prompt, entries).map { token, entry in
                entry.map { ChoiceLogprobs.TokenLogprobs($0, tokenizer) }
                    ?? .init(unconditional: tokenizer.decode([token]), bytes: tokenizer.bytes(of: token))
            }
            return .delta(ChoiceDelta(text: tokenizer.decode(prompt), tokenCount: 0, logprobs: logprobs))
        case .delta where isAll: return nil
        case .finished(var summary) where isAll:
            summary.reason = .length
            summary.usage.completionTokens = 0
            return ChoiceEvent(.finished(summary), tokenizer)
        default: return ChoiceEvent(event, tokenizer)
        }
    }
}

extension ChoiceEvent {
    /// `nil` for what clients are not told.
    fileprivate init?(_ event: GenerationEvent, _ tokenizer: Tokenizer) {
        switch event {
        case .promptLogprobs: return nil
        case .queued(let position): self = .queued(position: position)
        case .prefill(let processed, let total): self = .prefill(processed: processed, total: total)
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
