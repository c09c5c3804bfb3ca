import ArgumentParser
import StellarInference

/// `stellarchat chat`: a conversation in the terminal, or one message per line of piped input.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talks to a model.",
        discussion: """
            In a terminal: Ctrl-C stops the reply; a second Ctrl-C at the prompt, or Ctrl-D, ends the program. With piped input each \
            line is a message. Lines that begin with / are commands; /help lists them.
            """
    )

    @OptionGroup var model: ModelArgument
    @OptionGroup var engine: EngineOptions
    @OptionGroup var sampling: SamplingOptions
    @OptionGroup var stop: StopOptions

    @Option(help: "System message of the conversation.")
    var system: String?

    func run() async throws {
        let engine = try await engine.start(model.path)
        guard let template = engine.model.chatTemplate else {
            throw InferenceError(
                .unsupportedModel,
                "\(engine.model.name) has no chat template: use “stellarchat generate” to complete text with it."
            )
        }
        let request = GenerationRequest(
            promptTokens: [],
            sampling: sampling.parameters(over: engine.model.defaultSampling),
            maxTokens: stop.maxTokens,
            stopStrings: stop.stop
        )
        var session = ChatSession(engine: engine, template: template, request: request, system: system)
        try await session.run()
        await engine.shutdown()
    }
}
