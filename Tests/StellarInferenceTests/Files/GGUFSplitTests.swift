import Foundation
import StellarInference
import Testing

@Suite("Split GGUF files")
struct GGUFSplitTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func part(_ index: Int, of count: Int, tensors: Int32? = nil, names: [String]) -> [UInt8] {
        var writer = GGUFWriter()
        if index == 0 { writer.add("general.architecture", .string("llama")) }
        writer.add("split.no", .uint16(UInt16(index)))
        writer.add("split.count", .uint16(UInt16(count)))
        if let tensors { writer.add("split.tensors.count", .int32(tensors)) }
        for name in names { writer.addTensor(name, [2], floats: [Float(index), 1]) }
        return writer.bytes()
    }

    private func writeParts() throws -> [String] {
        [
            try directory.write("m-00001-of-00003.gguf", part(0, of: 3, tensors: 3, names: [])),
            try directory.write("m-00002-of-00003.gguf", part(1, of: 3, tensors: 3, names: ["a", "b"])),
            try directory.write("m-00003-of-00003.gguf", part(2, of: 3, tensors: 3, names: ["c"])),
        ]
    }

    @Test("any part gives the whole model", arguments: 0..<3)
    func joined(given: Int) throws {
        let file = try GGUFFile(path: try writeParts()[given])
        #expect(file.tensorNames == ["a", "b", "c"])
        #expect(try file.metadata.string("general.architecture") == "llama")
        #expect(try file.metadata.integer("split.no") == 0)
        #expect(file.tensor("b")?.base.load(as: Float.self) == 1)
        #expect(file.tensor("c")?.base.load(as: Float.self) == 2)
        #expect(file.description.hasSuffix("m-00001-of-00003.gguf"))
    }

    @Test("a missing part is named")
    func missing() throws {
        let paths = try writeParts()
        try FileManager.default.removeItem(atPath: paths[1])
        expectError(.invalidModelFile, containing: "part 2 is missing: there is no \(paths[1])") { try GGUFFile(path: paths[0]) }
        expectError(.invalidModelFile, containing: "part 2 is missing") { try GGUFFile(path: paths[2]) }
    }

    @Test("parts that do not belong together are refused")
    func foreign() throws {
        let paths = try writeParts()
        try directory.write("m-00002-of-00003.gguf", part(2, of: 3, names: ["a", "b"]))
        expectError(.invalidModelFile, containing: "part 2 of 3") { try GGUFFile(path: paths[0]) }
        try directory.write("m-00002-of-00003.gguf", part(1, of: 3, names: ["a"]))
        expectError(.invalidModelFile, containing: "hold 2 tensors") { try GGUFFile(path: paths[0]) }
        try directory.write("m-00002-of-00003.gguf", part(1, of: 3, names: ["a", "c"]))
        expectError(.invalidModelFile, containing: "“c” occurs twice") { try GGUFFile(path: paths[0]) }
        try directory.write("m-00002-of-00003.gguf", GGUFFileTests.sample.bytes())
        expectError(.invalidModelFile, containing: "part 2 of 3") { try GGUFFile(path: paths[0]) }
    }

    @Test("a part under another name, or with impossible numbers, is refused")
    func renamed() throws {
        _ = try writeParts()
        let path = try directory.write("renamed.gguf", part(0, of: 3, names: []))
        expectError(.invalidModelFile, containing: "NAME-00001-of-00003.gguf") { try GGUFFile(path: path) }
        let impossible = try directory.write("x-00001-of-00003.gguf", part(7, of: 3, names: []))
        expectError(.invalidModelFile, containing: "part 7 of 3") { try GGUFFile(path: impossible) }
    }
}
