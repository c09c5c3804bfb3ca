internal import Foundation

/// Files that llama.cpp's `gguf-split` made of one: `NAME-00001-of-00003.gguf` and so on, each a GGUF file of its own with the keys `split.`.
/// The first part has the model's metadata; every part has the entries and the data of its own tensors.
///
/// Format: https://github.com/ggml-org/llama.cpp/tree/master/tools/gguf-split
struct GGUFSplit {
    /// Of this part, from 0.
    let index: Int
    let count: Int
    /// Tensors of all parts together, where the file says so.
    let tensorCount: Int?

    /// `nil` if the file is whole.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`.
    init?(_ file: GGUFFile) throws(InferenceError) {
        guard let count = try file.metadata.integer("split.count"), count > 1 else { return nil }
        self.count = count
        index = try file.metadata.integer("split.no") ?? 0
        tensorCount = try file.metadata.integer("split.tensors.count")
        guard count <= 99_999, (0..<count).contains(index) else {
            throw InferenceError(.invalidModelFile, "\(file.description) says it is part \(index) of \(count). Download it again.")
        }
    }

    /// The name of a part's file: all but the part's number and the number of parts.
    struct Name {
        let prefix: String
        let count: Int

        /// `nil` if `path` is not named like a part.
        init?(path: String) {
            guard let match = path.wholeMatch(of: #/(?s)(.*)-\d{5}-of-(\d{5})\.gguf/#.ignoresCase()), let count = Int(match.2) else {
                return nil
            }
            (prefix, self.count) = (String(match.1), count)
        }

        /// - Parameter index: From 0.
        func path(_ index: Int) -> String { "\(prefix)-\(Self.digits(index + 1))-of-\(Self.digits(count)).gguf" }

        private static func digits(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        }
    }
}

extension GGUFFile {
    /// All parts of the model that `part`, the file at `path`, belongs to, as one.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile` naming the part that is missing or does not belong to the others.
    static func joined(_ part: GGUFFile, _ split: GGUFSplit, path: String) throws(InferenceError) -> GGUFFile {
        guard let name = GGUFSplit.Name(path: path), name.count == split.count else {
            throw InferenceError(
                .invalidModelFile,
                "\(path) is part \(split.index + 1) of \(split.count), but is not named like one: give all parts back the names they came "
                    + "with (NAME-00001-of-\(String(100_000 + split.count).dropFirst()).gguf), in one directory."
            )
        }
        var parts: [GGUFFile] = []
        for index in 0..<split.count {
            parts.append(try index == split.index ? part : other(part: index, name, split))
        }
        let joined = try GGUFFile(parts: parts, name: name.path(0))
        if let expected = split.tensorCount, joined.tensors.count != expected {
            throw InferenceError(
                .invalidModelFile,
                "The parts of \(name.path(0)) hold \(joined.tensors.count) tensors, but should hold \(expected). Download them again."
            )
        }
        return joined
    }

    private static func other(part index: Int, _ name: GGUFSplit.Name, _ split: GGUFSplit) throws(InferenceError) -> GGUFFile {
        let path = name.path(index)
        guard FileManager.default.fileExists(atPath: path) else {
            throw InferenceError(
                .invalidModelFile,
                "The model consists of \(split.count) files, and part \(index + 1) is missing: there is no \(path). Download it, too."
            )
        }
        let file = try GGUFFile(FileBytes(try MappedFile(path: path)))
        guard let other = try GGUFSplit(file), other.index == index, other.count == split.count else {
            throw InferenceError(
                .invalidModelFile,
                "\(path) does not say that it is part \(index + 1) of \(split.count). Download all parts again."
            )
        }
        return file
    }
}
