import Foundation

/// What a model path leads to.
package struct ModelLocation: Sendable, Equatable {
    /// How a model is stored.
    package enum Format: Sendable {
        case gguf
        case huggingFace
    }

    /// The GGUF file (of a split model, one of its parts), or the Hugging Face directory.
    package let path: String
    package let format: Format
    /// What clients call the model: the directory's name, or the file's name without `.gguf` and number.
    package let name: String

    /// Finds the model at `path`: a GGUF file, a Hugging Face directory (or a file of it), or a directory that holds exactly one GGUF model,
    /// whole or in parts. A directory with both is taken as the Hugging Face model.
    ///
    /// - Throws: ``InferenceError`` `modelNotFound` if nothing is there; `unsupportedModel` for other model formats; `invalidModelFile` for
    ///   anything else that is no model.
    package init(path: String) throws(InferenceError) {
        var isDirectory: ObjCBool = false
        guard !path.isEmpty, FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw InferenceError(
                .modelNotFound,
                "There is no model at “\(path)”. Run scripts/run to fetch the test model, or set MODEL_PATH to a .gguf file "
                    + "or a model directory."
            )
        }
        if isDirectory.boolValue {
            try self.init(directory: path)
        } else if let directory = Self.huggingFaceDirectory(ofFile: path) {
            self.init(path: directory, format: .huggingFace, name: Self.directoryName(directory) ?? Self.fileName(path))
        } else {
            try Self.check(file: path)
            self.init(path: path, format: .gguf, name: Self.fileName(path))
        }
    }

    private init(path: String, format: Format, name: String) {
        (self.path, self.format, self.name) = (path, format, name)
    }

    private init(directory path: String) throws(InferenceError) {
        let entries: [String]
        do { entries = try FileManager.default.contentsOfDirectory(atPath: path).sorted() } catch {
            throw InferenceError(.invalidModelFile, "The directory \(path) can't be read: check its permissions.")
        }
        let models = Self.models(entries)
        let hasSafetensors = entries.contains { $0.hasSuffix(".safetensors") && !$0.hasPrefix(".") }
        if entries.contains("config.json"), hasSafetensors || models.isEmpty {
            (self.path, format, name) = (path, .huggingFace, Self.directoryName(path) ?? "model")
            return
        }
        if models.count > 1 {
            throw InferenceError(
                .invalidModelFile,
                "The directory \(path) holds \(models.count) .gguf files (\(Self.list(models))). Set MODEL_PATH to the one to use."
            )
        }
        guard let model = models.first else { throw Self.noModel(in: path, entries) }
        let file = path.hasSuffix("/") ? path + model : path + "/" + model
        try Self.check(file: file)
        (self.path, format, name) = (file, .gguf, Self.directoryName(path) ?? Self.fileName(file))
    }

    /// The GGUF models among `entries`: of a split one, its first part.
    private static func models(_ entries: [String]) -> [String] {
        var prefixes = Set<String>()
        return entries.filter { entry in
            guard entry.lowercased().hasSuffix(".gguf"), !entry.hasPrefix(".") else { return false }
            guard let part = GGUFSplit.Name(path: entry) else { return true }
            return prefixes.insert("\(part.prefix)/\(part.count)").inserted
        }
    }

    /// The directory of a Hugging Face model, if `path` is one of the files that people take for the model itself.
    private static func huggingFaceDirectory(ofFile path: String) -> String? {
        let url = URL(fileURLWithPath: path)
        let name = url.lastPathComponent
        let isPart = name == "config.json" || name == HuggingFaceDirectory.indexName || name.hasSuffix(".safetensors")
        let directory = url.deletingLastPathComponent().path
        return isPart && FileManager.default.fileExists(atPath: directory + "/config.json") ? directory : nil
    }

    private static func noModel(in path: String, _ entries: [String]) -> InferenceError {
        if entries.contains(where: { $0.hasSuffix(".safetensors") }) {
            return InferenceError(
                .modelNotFound,
                "The directory \(path) holds .safetensors files, but no config.json that says what they are. Download it, too."
            )
        }
        let content = entries.isEmpty ? "is empty" : "holds no .gguf file and no config.json"
        return InferenceError(
            .modelNotFound,
            "The directory \(path) \(content). Run scripts/run to fetch the test model, or set MODEL_PATH to a .gguf file or a model directory."
        )
    }

    /// Refuses what is no readable GGUF file, by a look at its first bytes.
    private static func check(file path: String) throws(InferenceError) {
        let file = try MappedFile(path: path)
        guard !file.bytes.starts(with: GGUFFile.magic) else { return }
        if path.lowercased().hasSuffix(".safetensors") {
            throw InferenceError(
                .modelNotFound,
                "\(path) is a safetensors file without a config.json beside it that says what it is. Download it, too."
            )
        }
        throw InferenceError(
            .invalidModelFile,
            "\(path) is not a GGUF file: it does not begin with the letters GGUF. Set MODEL_PATH to a .gguf file or a model directory."
        )
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    }

    private static func directoryName(_ path: String) -> String? {
        let name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
        return name.isEmpty || name == "/" ? nil : name
    }

    private static func fileName(_ path: String) -> String {
        let name = URL(fileURLWithPath: path).lastPathComponent
        if let part = GGUFSplit.Name(path: name) { return part.prefix }
        return name.lowercased().hasSuffix(".gguf") ? String(name.dropLast(5)) : name
    }
}
