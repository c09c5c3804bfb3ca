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
        #expect(location.path == path)
        #expect(location.name == "Some.Model-Q4_1")
    }

    @Test("a directory with one model gives that model and the directory's name", arguments: ["", "/", "/."])
    func directory(suffix: String) throws {
        try FileManager.default.createDirectory(atPath: directory.file("My-Model"), withIntermediateDirectories: false)
        try directory.write("My-Model/weights.gguf", model)
        try directory.write("My-Model/README.md", Array("x".utf8))
        let location = try ModelLocation(path: directory.file("My-Model") + suffix)
        #expect(location.name == "My-Model")
        #expect(try GGUFFile(path: location.path).tensors.count == 3)
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

    @Test("a Hugging Face directory is found by itself and by its files, also beside a GGUF file")
    func huggingFace() throws {
        try directory.write("config.json", Array("{}".utf8))
        try directory.write("model.safetensors", [0])
        try directory.write("model.gguf", model)
        for path in [directory.path, directory.file("config.json"), directory.file("model.safetensors")] {
            let location = try ModelLocation(path: path)
            #expect(location.format == .huggingFace && location.path == directory.path, "\(path)")
            #expect(location.name == directory.path.split(separator: "/").last.map(String.init))
        }
        #expect(try ModelLocation(path: directory.file("model.gguf")).format == .gguf)
    }

    @Test("a configuration beside a GGUF file does not hide it")
    func configurationBesideGGUF() throws {
        try directory.write("config.json", Array("{}".utf8))
        try directory.write("model.gguf", model)
        #expect(try ModelLocation(path: directory.path).path == directory.file("model.gguf"))
    }

    @Test("weights without a configuration are refused with the way out")
    func weightsAlone() throws {
        let file = try directory.write("model.safetensors", [0])
        expectError(.modelNotFound, containing: "config.json") { try ModelLocation(path: directory.path) }
        expectError(.modelNotFound, containing: "config.json") { try ModelLocation(path: file) }
    }

    @Test("the parts of a split model are one model")
    func splitModel() throws {
        for part in 1...3 { try directory.write("big-0000\(part)-of-00003.gguf", model) }
        let location = try ModelLocation(path: directory.path)
        #expect(location.path == directory.file("big-00001-of-00003.gguf"))
        #expect(try ModelLocation(path: directory.file("big-00002-of-00003.gguf")).name == "big")
        try directory.write("other.gguf", model)
        expectError(.invalidModelFile, containing: "2 .gguf files") { try ModelLocation(path: directory.path) }
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
