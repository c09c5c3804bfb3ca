import Foundation

/// What a model path leads to.
package struct ModelLocation: Sendable, Equatable {
    /// The GGUF file.
    package let file: String
    /// What clients call the model: the directory's name, or the file's name without `.gguf`.
    package let name: String

    /// Finds the model at `path`: a GGUF file, or a directory that holds exactly one.
    ///
    /// - Throws: ``InferenceError`` `modelNotFound` if nothing is there; `unsupportedModel` for other model formats; `invalidModelFile` for
    ///   anything else that is no model.
    package init(path: String) throws(InferenceError) {
        var isDirectory: ObjCBool = false
        guard !path.isEmpty, FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw InferenceError(
                .modelNotFound,
                "There is no model at “\(path)”. Run scripts/run to fetch the test model, or set MODEL_PATH to a .gguf file "
                    + "or a directory that holds one."
            )
        }
        if isDirectory.boolValue {
            file = try Self.file(inDirectory: path)
            name = Self.directoryName(path) ?? Self.fileName(file)
        } else {
            try Self.check(file: path)
            file = path
            name = Self.fileName(path)
        }
    }

    private static func file(inDirectory path: String) throws(InferenceError) -> String {
        let entries: [String]
        do { entries = try FileManager.default.contentsOfDirectory(atPath: path).sorted() } catch {
            throw InferenceError(.invalidModelFile, "The directory \(path) can't be read: check its permissions.")
        }
        let models = entries.filter { $0.lowercased().hasSuffix(".gguf") && !$0.hasPrefix(".") }
        if models.count > 1 {
            throw InferenceError(
                .invalidModelFile,
                "The directory \(path) holds \(models.count) .gguf files (\(list(models))). Set MODEL_PATH to the one to use."
            )
        }
        guard let model = models.first else { throw noModel(in: path, entries) }
        let file = path.hasSuffix("/") ? path + model : path + "/" + model
        try check(file: file)
        return file
    }

    private static func noModel(in path: String, _ entries: [String]) -> InferenceError {
        if entries.contains("config.json") || entries.contains(where: { $0.hasSuffix(".safetensors") }) {
            return InferenceError(
                .unsupportedModel,
                "\(path) is a Hugging Face model directory, which this version does not load. Set MODEL_PATH to a .gguf file of the model."
            )
        }
        let content = entries.isEmpty ? "is empty" : "holds no .gguf file"
        return InferenceError(
            .modelNotFound,
            "The directory \(path) \(content). Run scripts/run to fetch the test model, or set MODEL_PATH to a .gguf file."
        )
    }

    /// Refuses what is no readable GGUF file, by a look at its first bytes.
    private static func check(file path: String) throws(InferenceError) {
        let file = try MappedFile(path: path)
        guard !file.bytes.starts(with: GGUFFile.magic) else { return }
        if path.lowercased().hasSuffix(".safetensors") {
            throw InferenceError(
                .unsupportedModel,
                "\(path) is a safetensors file, which this version does not load. Set MODEL_PATH to a .gguf file."
            )
        }
        throw InferenceError(
            .invalidModelFile,
            "\(path) is not a GGUF file: it does not begin with the letters GGUF. Set MODEL_PATH to a .gguf file."
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
        return name.lowercased().hasSuffix(".gguf") ? String(name.dropLast(5)) : name
    }
}
