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
            vocabulary. Each line of input (without its line end) gives one line of output. Bytes that are no UTF-8 count as U+FFFD.
            """
    )

    @OptionGroup var model: ModelArgument

    @Option(help: "The file to read. (default: standard input)")
    var file: String?

    @Flag(help: "Take the input as one text, line ends included.")
    var whole = false

    @Flag(help: "Print each line of output as a JSON array.")
    var json = false

    func run() throws {
        let location = try ModelLocation(path: model.path)
        let tokenizer = try Tokenizer(TokenizerVocabulary(GGUFFile(path: location.file).metadata))
        var output = ""
        for text in texts(try input()) {
            let ids = tokenizer.encode(text).map(String.init)
            output += json ? "[" + ids.joined(separator: ",") + "]\n" : ids.joined(separator: " ") + "\n"
            if output.utf8.count > 1 << 20 {
                Terminal.write(output)
                output = ""
            }
        }
        Terminal.write(output)
    }

    private func input() throws -> Data {
        guard let file else { return FileHandle.standardInput.readDataToEndOfFile() }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw InferenceError(.invalidRequest, "The file \(file) can't be read.")
        }
        return data
    }

    private func texts(_ data: Data) -> [String] {
        if whole { return [String(decoding: data, as: UTF8.self)] }
        var lines = data.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }
}
