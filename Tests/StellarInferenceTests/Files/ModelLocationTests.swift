import Foundation
import StellarInference
import StellarTestSupport
import Testing

@Suite("Where the model is")
struct ModelLocationTests {
    private let directory: TemporaryDirectory
    private let model = GGUFFileTests.sample.bytes()

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("a file is named after itself")
    func file() throws {
        let path = try directory.write("Some.Model-Q4_1.gguf", model)
        let location = try ModelLocation(path: path)
        #expect(location.file == path)
        #expect(location.name == "Some.Model-Q4_1")
    }

    @Test("a directory with one model gives that model and the directory's name", arguments: ["", "/", "/."])
    func directory(suffix: String) throws {
        try FileManager.default.createDirectory(atPath: directory.file("My-Model"), withIntermediateDirectories: false)
        try directory.write("My-Model/weights.gguf", model)
        try directory.write("My-Model/README.md", Array("x".utf8))
        let location = try ModelLocation(path: directory.file("My-Model") + suffix)
        #expect(location.name == "My-Model")
        #expect(try GGUFFile(path: location.file).tensors.count == 3)
    }

    @Test("several models in a directory are listed")
    func several() throws {
        try directory.write("b.gguf", model)
        try directory.write("a.gguf", model)
        expectError(.invalidModelFile, containing: "2 .gguf files (a.gguf, b.gguf). Set MODEL_PATH") {
            try ModelLocation(path: directory.path)
        }
    }

    @Test("nothing there, and an empty directory, are not found, with the way out")
    func missing() throws {
        expectError(.modelNotFound, containing: "scripts/run") { try ModelLocation(path: directory.file("none")) }
        expectError(.modelNotFound, containing: "MODEL_PATH") { try ModelLocation(path: "") }
        expectError(.modelNotFound, containing: "is empty") { try ModelLocation(path: directory.path) }
        expectError(.modelNotFound, containing: "There is no file") { try MappedFile(path: directory.file("none")) }
    }

    @Test("a Hugging Face directory is refused by name")
    func huggingFace() throws {
        try directory.write("config.json", Array("{}".utf8))
        try directory.write("model.safetensors", [0])
        expectError(.unsupportedModel, containing: "Hugging Face") { try ModelLocation(path: directory.path) }
        expectError(.unsupportedModel, containing: "safetensors") { try ModelLocation(path: directory.file("model.safetensors")) }
    }

    @Test("files that are no models are refused")
    func otherFiles() throws {
        let empty = try directory.write("empty.gguf", [])
        let text = try directory.write("text.gguf", Array("hello".utf8))
        let pipe = directory.file("pipe.gguf")
        #expect(mkfifo(pipe, 0o600) == 0)
        expectError(.invalidModelFile, containing: "empty") { try ModelLocation(path: empty) }
        expectError(.invalidModelFile, containing: "not a GGUF file") { try ModelLocation(path: text) }
        expectError(.invalidModelFile, containing: "not a regular file") { try ModelLocation(path: pipe) }
        expectError(.invalidModelFile, containing: "a directory") { try MappedFile(path: directory.path) }
    }

    @Test("a mapped file gives its bytes")
    func mapping() throws {
        let file = try MappedFile(path: try directory.write("m.gguf", model))
        #expect(Array(file.bytes) == model)
    }
}
