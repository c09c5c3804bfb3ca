internal import Foundation

/// A model as Hugging Face keeps it: a directory of `config.json`, `model.safetensors` (or several, with an index), `tokenizer.json` and
/// other JSON files.
///
/// Opening reads the configuration and the tensor tables and checks both; the other files are read when asked for. Values are immutable
/// and may be used from any thread.
package struct HuggingFaceDirectory: TensorSource {
    package static let indexName = "model.safetensors.index.json"

    /// The path.
    package let description: String
    /// `config.json`.
    package let configuration: JSONNode
    package let tensorNames: [String]
    private let tensors: [String: StoredTensor]
    /// Tensors stored as 8-bit floats, with the type's name: there, but of no use here.
    package let unreadableTensors: [String: String]

    /// - Throws: ``InferenceError`` `modelNotFound`, `invalidModelFile`, `unsupportedModel`, `outOfMemory`.
    package init(path: String) throws(InferenceError) {
        description = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let files = Files(path: description)
        guard let configuration = try files.json("config.json") else {
            throw InferenceError(.modelNotFound, "\(path) is no model directory: it has no config.json.")
        }
        guard configuration.object != nil else {
            throw InferenceError(.invalidModelFile, "\(path)/config.json is no JSON object. Download it again.")
        }
        self.configuration = configuration
        let weights = try files.weights()
        tensorNames = weights.tensors.map(\.name)
        tensors = Dictionary(weights.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        unreadableTensors = weights.unreadable
    }

    package func tensor(_ name: String) -> StoredTensor? { tensors[name] }

    /// A JSON file of the directory; `nil` if there is none of this name.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`.
    package func json(_ name: String) throws(InferenceError) -> JSONNode? { try Files(path: description).json(name) }

    /// A text file of the directory; `nil` if there is none of this name.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`.
    package func text(_ name: String) throws(InferenceError) -> String? { try Files(path: description).text(name) }

    /// The names of the files in a directory of the directory, sorted; none if there is no such directory.
    package func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: description + "/" + directory)) ?? []).sorted()
    }
}

/// The files of a directory.
private struct Files {
    let path: String

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }

    func json(_ name: String) throws(InferenceError) -> JSONNode? {
        guard exists(name) else { return nil }
        let file = try MappedFile(path: path + "/" + name)
        return try withExtendedLifetime(file) { () throws(InferenceError) in try JSONNode(parsing: file.bytes, name: file.path) }
    }

    func text(_ name: String) throws(InferenceError) -> String? {
        guard exists(name) else { return nil }
        let file = try MappedFile(path: path + "/" + name)
        guard let text = String(validating: file.bytes, as: UTF8.self) else {
            throw InferenceError(.invalidModelFile, "\(file.path) is not valid UTF-8. Download it again.")
        }
        return text
    }

    // MARK: Weights

    struct Weights {
        var tensors: [StoredTensor] = []
        var unreadable: [String: String] = [:]

        mutating func add(_ entry: SafetensorsFile.Entry, of file: SafetensorsFile) {
            if let tensor = file.tensor(entry) {
                tensors.append(tensor)
            } else if entry.type.isFloatingPoint {
                unreadable[entry.name] = entry.type.rawValue
            }
        }
    }

    func weights() throws(InferenceError) -> Weights {
        if let index = try json(HuggingFaceDirectory.indexName) { return try weights(of: index) }
        let file = try SafetensorsFile(path: path + "/" + weightFile())
        var weights = Weights()
        for entry in file.entries { weights.add(entry, of: file) }
        return weights
    }

    /// `model.safetensors`, or the one file of the kind that there is.
    private func weightFile() throws(InferenceError) -> String {
        if exists("model.safetensors") { return "model.safetensors" }
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
        let files = names.filter { $0.hasSuffix(".safetensors") && !$0.hasPrefix(".") && !$0.hasPrefix("adapter_") }
        if let file = files.first, files.count == 1 { return file }
        if files.count > 1 {
            throw InferenceError(
                .invalidModelFile,
                "\(path) holds \(files.count) .safetensors files, but no \(HuggingFaceDirectory.indexName) that tells what is in which. "
                    + "Download it, too."
            )
        }
        if names.contains(where: { $0.hasSuffix(".bin") || $0.hasSuffix(".pt") || $0.hasSuffix(".pth") }) {
            throw InferenceError(
                .unsupportedModel,
                "\(path) holds weights in PyTorch's own format only, which is not read because such files can run programs. "
                    + "Fetch or convert the model as safetensors."
            )
        }
        throw InferenceError(.modelNotFound, "\(path) has a config.json, but no model.safetensors. Download the weights, too.")
    }

    /// The tensors that an index lists, each out of the file that it names.
    private func weights(of index: JSONNode) throws(InferenceError) -> Weights {
        guard let map = index["weight_map"]?.object else { throw damagedIndex("it has no “weight_map”") }
        var shards: [String: Shard] = [:]
        var weights = Weights()
        if let name = map.repeatedKey { throw damagedIndex("the tensor \(quoted(name)) occurs twice") }
        for (name, value) in map {
            guard let fileName = value.string, isPlain(fileName) else {
                throw damagedIndex("the tensor \(quoted(name)) is not given a file of this directory")
            }
            if shards[fileName] == nil { shards[fileName] = try shard(fileName) }
            guard let shard = shards[fileName], let entry = shard.entries[name] else {
                throw damagedIndex("\(quoted(fileName)) does not hold the tensor \(quoted(name))")
            }
            weights.add(entry, of: shard.file)
        }
        return weights
    }

    private struct Shard {
        let file: SafetensorsFile
        let entries: [String: SafetensorsFile.Entry]
    }

    private func shard(_ name: String) throws(InferenceError) -> Shard {
        guard exists(name) else {
            throw InferenceError(.invalidModelFile, "A part of the model is missing: there is no \(path)/\(name). Download it, too.")
        }
        let file = try SafetensorsFile(path: path + "/" + name)
        return Shard(file: file, entries: Dictionary(file.entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }))
    }

    /// Whether `name` can only be a file of the directory itself.
    private func isPlain(_ name: String) -> Bool {
        name.hasSuffix(".safetensors") && !name.contains("/") && !name.contains("\\") && !name.contains("\0")
    }

    private func damagedIndex(_ problem: String) -> InferenceError {
        InferenceError(.invalidModelFile, "\(path)/\(HuggingFaceDirectory.indexName) is damaged: \(problem). Download it again.")
    }
}
