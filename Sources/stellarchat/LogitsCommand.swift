import ArgumentParser
import StellarInference

/// `stellarchat logits`: what a network makes of given tokens.
struct LogitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits",
        abstract: "Prints the logits of given tokens.",
        discussion: "For comparing with another implementation. Works on models without a tokenizer, too."
    )

    @OptionGroup var model: ModelArgument

    @Option(help: "Token ids with commas between.")
    var tokens: String

    @Option(help: "Tokens in a forward pass; 1 is how replies are generated, with all others coming from the cache.")
    var chunk = 512

    @OptionGroup var evaluation: EvaluationOptions

    @Flag(help: "Print argmax and logsumexp of each position, and all logits of the last one, as JSON.")
    var json = false

    private struct Result: Encodable {
        var argmax: [Int] = []
        var logsumexp: [Float] = []
        var last: [Float] = []
    }

    func validate() throws {
        guard chunk >= 1 else { throw ValidationError("--chunk is \(chunk); at least 1 is possible.") }
    }

    func run() throws {
        let ids = try tokens.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let id = TokenID(text.trimmingPrefix { $0 == " " }) else {
                throw InferenceError(.invalidRequest, "--tokens has “\(text)”, which is no token id. Give numbers with commas between.")
            }
            return id
        }
        let files = try ModelFiles(ModelLocation(path: model.path))
        let evaluator = try LogitEvaluator(files, contextLength: ids.count, options: evaluation.options(chunk: chunk))
        var result = Result()
        try evaluator.evaluate(ids) { index, logits in
            result.argmax.append(LogitSummary.argmax(logits))
            result.logsumexp.append(LogitSummary.logSumExp(logits))
            if index == ids.count - 1 { result.last = Array(logits) }
        }
        if json { return try Terminal.writeJSON(result, pretty: false) }
        for (index, id) in ids.enumerated() {
            let logsumexp = Double(result.logsumexp[index]).formatted(decimals: 5)
            Terminal.writeLine(
                "\(index)".padded(to: 8) + "token \(id)".padded(to: 16) + "argmax \(result.argmax[index])".padded(to: 16)
                    + "logsumexp \(logsumexp)"
            )
        }
    }
}
