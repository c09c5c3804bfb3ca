import ArgumentParser
import Foundation
import StellarInference

/// Text that a command reads.
struct TextInput: ParsableArguments {
    @Option(help: "The file to read. (default: standard input)")
    var file: String?

    /// All of it; bytes that are no UTF-8 become U+FFFD.
    func text() throws -> String {
        String(decoding: try data(), as: UTF8.self)
    }

    /// Its lines, without their ends. Only a line feed ends a line, and one at the end begins no further line.
    func lines() throws -> [String] {
        var lines = try data().split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    /// All of a file; bytes that are no UTF-8 become U+FFFD.
    static func text(ofFile file: String) throws -> String { String(decoding: try data(ofFile: file), as: UTF8.self) }

    private func data() throws -> Data {
        try file.map { try Self.data(ofFile: $0) } ?? FileHandle.standardInput.readDataToEndOfFile()
    }

    private static func data(ofFile file: String) throws -> Data {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw InferenceError(.invalidRequest, "The file \(file) can't be read.")
        }
        return data
    }
}
