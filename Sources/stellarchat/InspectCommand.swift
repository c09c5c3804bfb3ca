import ArgumentParser
import StellarInference

/// `stellarchat inspect`: what is in a model file, and whether it runs here.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "inspect", abstract: "Shows what is in a model file.")

    @OptionGroup var model: ModelArgument

    @Flag(help: "List every tensor.")
    var tensors = false

    func run() throws {
        let location = try ModelLocation(path: model.path)
        let report = ModelReport(name: location.name, file: try GGUFFile(path: location.path), path: location.path)
        Terminal.write(report.text(withTensors: tensors))
    }
}
