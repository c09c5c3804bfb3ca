import ArgumentParser

/// The command line of StellarChat.
@main
struct StellarChat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stellarchat",
        abstract: "Runs chat models on this machine.",
        discussion: """
            MODEL is a .gguf file, a directory that holds one, or a Hugging Face model directory; without it the variable MODEL_PATH is used, else \
            \(ModelArgument.defaultPath).
            """,
        subcommands: [
            ChatCommand.self, GenerateCommand.self, InspectCommand.self, TokenizeCommand.self, DetokenizeCommand.self,
            RenderCommand.self, LogitsCommand.self, PerplexityCommand.self, QuantizeCommand.self, BenchCommand.self,
        ]
    )

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            finish(with: error)
        }
    }

    /// Help and plain exits as the argument parser has them; anything else is one line on standard error and exit code 1.
    private static func finish(with error: any Error) -> Never {
        if exitCode(for: error) == .success || error is ExitCode { exit(withError: error) }
        Terminal.writeError("stellarchat: " + message(for: error))
        exit(withError: ExitCode.failure)
    }
}
