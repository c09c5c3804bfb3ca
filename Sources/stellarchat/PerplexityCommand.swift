import ArgumentParser
import Foundation
import StellarInference

/// `stellarchat perplexity`: how well a model predicts a text.
struct PerplexityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perplexity",
        abstract: "Measures how well a model predicts a text.",
        discussion: """
            The text is cut into windows of --context tokens that do not overlap (what is left over is not used); in each window the \
            tokens of the second half are scored, as llama.cpp does. The perplexity is exp of the mean negative log-probability: 1 would \
            be certainty, and a quantised model's figure beside the original's shows what quantising costs.
            """
    )

    @Argument(help: "A .gguf file, a directory that holds one, or a Hugging Face model directory.")
    var model: String

    @Argument(help: "A file of UTF-8 text.")
    var text: String

    @Option(help: "Tokens in a window; a text with fewer is one window.")
    var context = 512

    @OptionGroup var evaluation: EvaluationOptions

    @Flag(help: "Print the result as JSON.")
    var json = false

    private struct Result: Encodable {
        var perplexity: Double
        /// Tokens that were scored.
        var tokens: Int
        var context: Int
        var windows: Int
        var seconds: Double
    }

    func validate() throws {
        guard context >= 4 else { throw ValidationError("--context is \(context); at least 4 is possible.") }
    }

    func run() throws {
        let files = try ModelFiles(ModelLocation(path: model))
        let tokenizer = try Tokenizer(files)
        let tokens = tokenizer.encodeCompletion(try TextInput.text(ofFile: text))
        let start = ContinuousClock.now
        let window = min(context, max(4, tokens.count))
        let evaluator = try LogitEvaluator(files, contextLength: window, options: evaluation.options())
        let bosToken = tokenizer.addsBeginningOfSequence ? tokenizer.bosToken : nil
        let showsProgress = !json && Terminal.outputIsTerminal
        let result = try Perplexity(evaluator, tokens: tokens, context: window, bosToken: bosToken) { soFar, total in
            if showsProgress { Terminal.write("\r\(soFar.windows)/\(total) windows, \(soFar.perplexity.formatted(decimals: 4))  ") }
        }
        let seconds = (ContinuousClock.now - start).seconds
        if json {
            try Terminal.writeJSON(
                Result(
                    perplexity: result.perplexity,
                    tokens: result.tokens,
                    context: result.context,
                    windows: result.windows,
                    seconds: seconds
                )
            )
        } else {
            if showsProgress { Terminal.write("\r") }
            Terminal.writeLine(
                "Perplexity \(result.perplexity.formatted(decimals: 4)) over \(result.tokens) tokens of \(result.windows) windows of "
                    + "\(result.context), \(seconds.formatted(decimals: 1)) s"
            )
        }
    }
}

/// How logits are computed.
struct EvaluationOptions: ParsableArguments {
    @Option(help: "Form of the weights: \(LanguageModel.Precision.allCases.map(\.rawValue).joined(separator: ", ")).")
    var precision: LanguageModel.Precision = .auto

    @Option(help: "Compute threads. (default: the cores that the process may use)")
    var threads: Int?

    @Option(help: "Form of the KV cache: \(EngineConfiguration.CacheType.allCases.map(\.rawValue).joined(separator: ", ")).")
    var kvCache: EngineConfiguration.CacheType = .auto

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is \(threads); 1 to 1024 is possible.") }
    }

    func options(chunk: Int = 512) -> LogitEvaluator.Options {
        LogitEvaluator.Options(precision: precision, threads: threads, cacheType: kvCache, chunk: chunk)
    }
}
