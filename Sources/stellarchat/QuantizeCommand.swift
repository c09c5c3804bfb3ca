import ArgumentParser
import Foundation
import StellarInference

/// `stellarchat quantize`: writes a model as a GGUF file with smaller weights.
struct QuantizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize",
        abstract: "Writes a model as a GGUF file with weights of another type.",
        discussion: """
            Tokenizer, chat template and all other metadata are carried over. Vectors stay F32, and where the blocks of a type do not \
            divide a tensor's rows, a finer type is used. The types are llama.cpp's; Q4_K is the mixture that it calls Q4_K_M. The file \
            appears under its name only when it is complete.
            """
    )

    @Argument(help: "A .gguf file (of a split model, any part), a directory that holds one, or a Hugging Face model directory.")
    var input: String

    @Argument(help: "The .gguf file to write. One that is there is replaced.")
    var output: String

    @Option(help: "Type of the weights: \(QuantizationTarget.allCases.map(\.rawValue).joined(separator: ", ")).")
    var type: QuantizationTarget

    @Option(help: "Compute threads. (default: the cores that the process may use)")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is \(threads); 1 to 1024 is possible.") }
    }

    func run() throws {
        let location = try ModelLocation(path: input)
        let (source, target) = (Self.resolved(location.path), Self.resolved(output))
        guard source != target else { throw InferenceError(.invalidConfiguration, "\(output) is the model itself: give another name.") }
        let start = ContinuousClock.now
        let quantizer = try ModelQuantizer(ModelFiles(location), target: type, threads: threads)
        defer { quantizer.stop() }
        let showsProgress = Terminal.outputIsTerminal
        try quantizer.write(to: output) { name, index, total in
            if showsProgress { Terminal.write("\r\(index + 1)/\(total) \(name)".padded(to: 60)) }
        }
        if showsProgress { Terminal.write("\r" + "".padded(to: 60) + "\r") }
        for (type, tensors, bytes) in quantizer.mix {
            Terminal.writeLine(type.name.padded(to: 8) + "\(tensors) tensors".padded(to: 14) + ModelReport.size(bytes))
        }
        Terminal.writeLine("\(output) written in \((ContinuousClock.now - start).seconds.formatted(decimals: 1)) s")
    }

    private static func resolved(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
}

extension QuantizationTarget: ExpressibleByArgument {
    /// As it is written, in capitals or not.
    public init?(argument: String) { self.init(rawValue: argument.uppercased()) }
}
