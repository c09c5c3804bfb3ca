import ArgumentParser
import StellarInference

/// `stellarchat inspect`: what is in a model's files, and whether it runs here.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "inspect", abstract: "Shows what is in a model, and whether it runs here.")

    @OptionGroup var model: ModelArgument

    @Flag(help: "List every tensor, and a GGUF file's metadata.")
    var tensors = false

    @Flag(help: "Print the report as JSON.")
    var json = false

    private struct Details: Encodable {
        struct Tensor: Encodable {
            var name: String
            var type: String
            var shape: [Int]
        }

        var report: ModelReport
        var list: [Tensor]

        func encode(to encoder: any Encoder) throws {
            try report.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(list, forKey: .list)
        }

        enum CodingKeys: String, CodingKey { case list = "tensor_list" }
    }

    func run() throws {
        let location = try ModelLocation(path: model.path)
        let files = try ModelFiles(location)
        let report = ModelReport(location, files)
        let list = tensors ? files.tensors.storedTensors : []
        if json {
            let entries = list.map { Details.Tensor(name: $0.name, type: $0.type.name, shape: $0.shape) }
            return tensors ? try Terminal.writeJSON(Details(report: report, list: entries)) : try Terminal.writeJSON(report)
        }
        Terminal.write(report.text)
        guard tensors else { return }
        if case .gguf(let file) = files {
            Terminal.writeLine("\nMetadata")
            for key in file.metadata.keys { Terminal.writeLine("  " + key.padded(to: 44) + Self.describe(file.metadata[key])) }
        }
        Terminal.writeLine("\nTensor list")
        for tensor in list {
            let shape = tensor.shape.map(String.init).joined(separator: " × ")
            Terminal.writeLine("  " + tensor.name.padded(to: 52) + tensor.type.name.padded(to: 8) + shape)
        }
    }

    private static func describe(_ value: GGUFValue?) -> String {
        switch value {
        case .integer(let number)?: return String(number)
        case .unsigned(let number)?: return String(number)
        case .float(let number)?: return String(number)
        case .bool(let flag)?: return String(flag)
        case .array(let array)?: return "\(array.count) × \(array.elementType)"
        case .string(let text)?:
            let shown = text.count > 60 ? text.prefix(60) + "…" : text[...]
            return String(shown).debugDescription
        case nil: return ""
        }
    }
}
