import Foundation

extension Tokenizer {
    /// The tokenizer at `path`: a GGUF file or a directory that holds one, a `tokenizer.json`, or a directory that holds that.
    ///
    /// - Throws: ``InferenceError``.
    package static func read(path: String) throws(InferenceError) -> Tokenizer {
        let inDirectory = path + (path.hasSuffix("/") ? "" : "/") + "tokenizer.json"
        if path.hasSuffix(".json") { return try read(tokenizerJSON: path, directory: (path as NSString).deletingLastPathComponent) }
        if FileManager.default.fileExists(atPath: inDirectory) { return try read(tokenizerJSON: inDirectory, directory: path) }
        return try Tokenizer(ModelFiles(ModelLocation(path: path)))
    }

    private static func read(tokenizerJSON: String, directory: String) throws(InferenceError) -> Tokenizer {
        func node(_ path: String) throws(InferenceError) -> JSONNode {
            let file = try MappedFile(path: path)
            return try JSONNode(parsing: file.bytes, name: path)
        }
        func optional(_ name: String) throws(InferenceError) -> JSONNode? {
            let path = (directory.isEmpty ? "." : directory) + "/" + name
            return FileManager.default.fileExists(atPath: path) ? try node(path) : nil
        }
        return try Tokenizer(
            huggingFace: node(tokenizerJSON),
            config: optional("tokenizer_config.json"),
            specialTokensMap: optional("special_tokens_map.json")
        )
    }
}
