import Foundation

/// Standard input and output.
enum Terminal {
    static let inputIsTerminal = isatty(STDIN_FILENO) == 1
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1

    /// Writes at once, without a line end.
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    static func writeLine(_ text: String) { write(text + "\n") }

    /// One line on standard error.
    static func writeError(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// A grey line, for remarks beside a reply.
    static func writeDim(_ text: String) {
        writeLine(outputIsTerminal ? "\u{1B}[2m\(text)\u{1B}[0m" : text)
    }

    /// The next line of standard input, `nil` at its end. Waits on a thread of its own, so that no task is held up.
    static func readInput() async -> String? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: readLine()) }
        }
    }

    /// Writes `value` as JSON, keys in alphabetical order.
    static func writeJSON(_ value: some Encodable, pretty: Bool = true) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        write(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
    }
}

extension Double {
    /// With a fixed number of decimals.
    func formatted(decimals: Int) -> String { String(format: "%.\(decimals)f", self) }
}
