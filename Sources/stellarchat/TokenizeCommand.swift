import ArgumentParser
import Foundation
import StellarInference

/// `stellarchat tokenize`: the token ids of text.
struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Prints the token ids of text.",
        discussion: """
            Reads a file or standard input. No special tokens are added, and their texts are plain text. Works on files that hold only a \
            vocabulary, and on tokenizer.json. Each line of input (without its line end) gives one line of output. Bytes that are no UTF-8 count as U+FFFD.
            """
    )

    @OptionGroup var model: ModelArgument

    @OptionGroup var input: TextInput

    @Flag(help: "Take the input as one text, line ends included.")
    var whole = false

    @Flag(help: "Find special tokens in the input instead of taking their texts for plain text.")
    var special = false

    @Flag(help: "Print each line of output as a JSON array.")
    var json = false

    func run() throws {
        let tokenizer = try model.tokenizer()
        for text in whole ? [try input.text()] : try input.lines() {
            let ids = tokenizer.encode(text, parsingSpecialTokens: special).map(String.init)
            Terminal.write(json ? "[" + ids.joined(separator: ",") + "]\n" : ids.joined(separator: " ") + "\n")
        }
    }
}
