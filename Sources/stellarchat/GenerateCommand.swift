import ArgumentParser
import StellarInference

/// `stellarchat generate`: completes a text once.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Completes a text.",
        discussion: "The text is continued as it is; with --chat it is a user's message, and the completion is the reply to it."
    )

    @OptionGroup var model: ModelArgument
    @OptionGroup var engine: EngineOptions
    @OptionGroup var sampling: SamplingOptions
    @OptionGroup var stop: StopOptions

    @Option(help: "The text to complete.")
    var prompt: String

    @Flag(help: "Put the text through the model's chat template.")
    var chat = false

    @Option(help: "With --chat: a system message.")
    var system: String?

    @Flag(help: "Print text, finish reason, usage and timings as JSON.")
    var json = false

    func run() async throws {
        let engine = try await engine.start(model.path)
        let request = GenerationRequest(
            promptTokens: try promptTokens(engine.model),
            sampling: sampling.parameters(over: engine.model.defaultSampling),
            maxTokens: stop.maxTokens,
            stopStrings: stop.stop
        )
        var text = ""
        for try await event in try engine.generate(request) {
            switch event {
            case .queued, .started, .prefill, .promptLogprobs: break
            case .delta(let delta):
                if json { text += delta.text } else if !delta.text.isEmpty { Terminal.write(delta.text) }
            case .finished(let summary):
                if json { try Terminal.writeJSON(Completion(text: text, summary)) } else { Terminal.writeLine("") }
            }
        }
        await engine.shutdown()
    }

    private func promptTokens(_ model: LanguageModel) throws -> [TokenID] {
        guard chat else { return model.tokenizer.encodeCompletion(prompt) }
        guard let template = model.chatTemplate else {
            throw InferenceError(.unsupportedModel, "\(model.name) has no chat template: leave --chat away to complete text with it.")
        }
        let messages =
            (system.map { [TemplateValue.message(role: "system", content: $0)] } ?? []) + [.message(role: "user", content: prompt)]
        return model.tokenizer.encode(try template.render(messages: messages))
    }
}

/// What `generate --json` prints.
private struct Completion: Encodable {
    struct Usage: Encodable {
        var promptTokens: Int
        var cachedTokens: Int
        var completionTokens: Int

        enum CodingKeys: String, CodingKey {
            case promptTokens = "prompt_tokens"
            case cachedTokens = "cached_tokens"
            case completionTokens = "completion_tokens"
        }
    }

    /// In seconds.
    struct Timings: Encodable {
        var queue: Double
        var prefill: Double
        var decode: Double
        var timeToFirstToken: Double

        enum CodingKeys: String, CodingKey {
            case queue = "queue_seconds"
            case prefill = "prefill_seconds"
            case decode = "decode_seconds"
            case timeToFirstToken = "time_to_first_token_seconds"
        }
    }

    var text: String
    var finishReason: String
    var usage: Usage
    var timings: Timings

    enum CodingKeys: String, CodingKey {
        case text
        case finishReason = "finish_reason"
        case usage
        case timings
    }

    init(text: String, _ summary: GenerationSummary) {
        self.text = text
        finishReason = summary.reason.rawValue
        usage = Usage(
            promptTokens: summary.usage.promptTokens,
            cachedTokens: summary.usage.cachedTokens,
            completionTokens: summary.usage.completionTokens
        )
        timings = Timings(
            queue: summary.timings.queue.seconds,
            prefill: summary.timings.prefill.seconds,
            decode: summary.timings.decode.seconds,
            timeToFirstToken: summary.timings.timeToFirstToken.seconds
        )
    }
}
