import ArgumentParser
import Foundation
import StellarInference

/// `stellarchat detokenize`: the text of token ids.
struct DetokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detokenize",
        abstract: "Prints the text of token ids.",
        discussion: """
            Reads a file or standard input: one JSON array of token ids a line, as `tokenize --json` writes them. Prints one JSON string a \
            line. Special tokens are written out; bytes that form no character become U+FFFD.
            """
    )

    @OptionGroup var model: ModelArgument
    @OptionGroup var input: TextInput

    func run() throws {
        let tokenizer = try model.tokenizer()
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        for (index, line) in try input.lines().enumerated() {
            guard let ids = try? JSONDecoder().decode([TokenID].self, from: Data(line.utf8)) else {
                throw InferenceError(.invalidRequest, "Line \(index + 1) of the input is not a JSON array of token ids.")
            }
            Terminal.write(String(decoding: try encoder.encode(tokenizer.decode(ids)), as: UTF8.self) + "\n")
        }
    }
}
