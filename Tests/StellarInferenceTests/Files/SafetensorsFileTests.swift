import StellarInference
import Testing

@Suite("Safetensors files")
struct SafetensorsFileTests {
    /// A file with tensors of several types.
    static let sample: SafetensorsWriter = {
        var writer = SafetensorsWriter()
        writer.metadata = ["format": "pt"]
        writer.add("weights", [2, 3], floats: [1, 2, 3, 4, 5, 6])
        writer.add("halves", [4], floats: [0.5, -1, 2, 65504], dtype: "F16")
        writer.add("brain", [1, 2], floats: [1, -2], dtype: "BF16")
        writer.add("scalar", "I64", [], GGUFWriter.bytes(UInt64(7)))
        writer.add("empty", "F32", [0, 4], [])
        writer.add("mask", "BOOL", [3], [1, 0, 1])
        return writer
    }()

    private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
        try SafetensorsFile(.guarded(bytes, name: "test.safetensors"))
    }

    private func floats(_ tensor: StoredTensor?) -> [Float] {
        guard let tensor, tensor.type == .f32 else { return [] }
        return Array(tensor.bytes.assumingMemoryBound(to: Float.self))
    }

    @Test("names, types, shapes and values are read", arguments: [true, false])
    func everything(pads: Bool) throws {
        var writer = Self.sample
        writer.pads = pads
        let file = try open(writer.bytes())
        #expect(file.metadata == ["format": "pt"])
        #expect(file.entries.map(\.name) == ["weights", "halves", "brain", "scalar", "empty", "mask"])
        let weights = try #require(file.tensor(file.entries[0]))
        #expect(weights.shape == [2, 3])
        #expect(floats(weights) == [1, 2, 3, 4, 5, 6])
        let halves = try #require(file.tensor(file.entries[1]))
        #expect(halves.type == .f16 && halves.byteCount == 8)
        #expect(halves.base.load(fromByteOffset: 6, as: UInt16.self) == Float16(65504).bitPattern)
        #expect(file.tensor(file.entries[2])?.type == .bf16)
        #expect(file.tensor(file.entries[3])?.shape == [])
        #expect(file.tensor(file.entries[3])?.base.load(as: UInt64.self) == 7)
        #expect(file.tensor(file.entries[4])?.elementCount == 0)
        #expect(file.tensor(file.entries[5]) == nil, "weights are never booleans")
    }

    @Test("tensors that do not begin at a multiple of their element are handed out where they do", arguments: 0..<8)
    func misaligned(blanks: Int) throws {
        let header =
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}"#
            + String(repeating: " ", count: blanks)
        let data = [9] + GGUFWriter.bytes(Float(1.5).bitPattern) + GGUFWriter.bytes(Float(-3).bitPattern)
        let file = try open(SafetensorsWriter.file(header, data: data))
        let tensor = try #require(file.tensor(file.entries[1]))
        #expect(UInt(bitPattern: tensor.base) % 4 == 0)
        #expect(floats(tensor) == [1.5, -3])
    }

    @Test("a header that contradicts itself, the file or the format is refused, saying how")
    func refusals() throws {
        func entry(_ dtype: String, _ shape: String, _ range: String) -> String {
            "{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(range)}"
        }
        let good = entry("F32", "[1]", "[0,4]")
        let next = entry("F32", "[1]", "[4,8]")
        let cases: [(header: String, data: Int, says: String)] = [
            ("[]", 0, "no JSON header"), ("{", 0, "not valid JSON"), ("{\"a\":1}", 0, "lacks dtype"),
            ("{\"a\":\(entry("F32", "[1]", "[0]"))}", 4, "no range"), ("{\"a\":\(entry("F32", "[1]", "[4,0]"))}", 4, "no range"),
            ("{\"a\":\(entry("F32", "[1]", "[-4,0]"))}", 4, "no range"), ("{\"a\":\(entry("F32", "[1]", "[0,8]"))}", 4, "truncated"),
            ("{\"a\":\(entry("F32", "[1]", "[0,9223372036854775807]"))}", 4, "truncated"),
            ("{\"a\":\(entry("F32", "[1]", "[0,99999999999999999999]"))}", 4, "no range"),
            ("{\"a\":\(entry("F32", "[2]", "[0,4]"))}", 4, "not what they say"),
            ("{\"a\":\(entry("F32", "[4294967296,4294967296]", "[0,4]"))}", 4, "not what they say"),
            ("{\"a\":\(entry("F32", "[-1]", "[0,4]"))}", 4, "list of sizes"),
            ("{\"a\":\(entry("F32", "[1.5]", "[0,4]"))}", 4, "list of sizes"),
            ("{\"a\":\(entry("F32", "1", "[0,4]"))}", 4, "lacks dtype"), ("{\"a\":\(good),\"b\":\(good)}", 4, "overlaps"),
            ("{\"a\":\(next)}", 8, "does not follow"), ("{\"a\":\(good)}", 8, "belong to no tensor"),
            ("{\"a\":\(good),\"a\":\(next)}", 8, "occurs twice"), ("{\"__metadata__\":[]}", 0, "no JSON object"),
            ("{\"__metadata__\":{\"a\":1}}", 0, "no string"), ("{\"a\":\(good)} x", 4, "after the end"),
        ]
        for (header, data, text) in cases {
            let bytes = SafetensorsWriter.file(header, data: [UInt8](repeating: 0, count: data))
            expectError(.invalidModelFile, containing: text) { try open(bytes) }
        }
        expectError(.unsupportedModel, containing: "“F4_X”") {
            try open(SafetensorsWriter.file("{\"a\":\(entry("F4_X", "[1]", "[0,4]"))}", data: [0, 0, 0, 0]))
        }
    }

    @Test("a header longer than the file or than the format allows is refused")
    func headerLength() throws {
        for length in [UInt64.max, 1 << 63, 1 << 40, 3] {
            expectError(.invalidModelFile, containing: "") { try open(SafetensorsWriter.file("{}", length: length)) }
        }
        expectError(.invalidModelFile, containing: "truncated") { try open([2, 0, 0]) }
        #expect(try open(SafetensorsWriter.file("{}")).entries.isEmpty)
    }

    @Test("cut anywhere, a file is an error")
    func truncated() throws {
        let bytes = Self.sample.bytes()
        for count in 0..<bytes.count {
            expectError(.invalidModelFile, containing: "") { try open(Array(bytes[..<count])) }
        }
    }

    @Test("flipped bits and replaced bytes give an error or a file that can be read", arguments: 0..<8)
    func damaged(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let original = Self.sample.bytes()
        for _ in 0..<1000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count - 40, using: &generator)
                if Bool.random(using: &generator) {
                    bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                } else {
                    bytes[place] = Array("0123456789[]{},:\"-e. ".utf8).randomElement(using: &generator) ?? 0
                }
            }
            do throws(InferenceError) {
                let file = try SafetensorsFile(.guardedOrEmpty(bytes))
                for entry in file.entries { _ = file.tensor(entry).map { Array($0.bytes) } }
            } catch {
                #expect(error.code == .invalidModelFile || error.code == .unsupportedModel)
            }
        }
    }
}

extension FileBytes {
    /// As ``guarded(_:name:)``, with the library's own error.
    static func guardedOrEmpty(_ bytes: [UInt8]) throws(InferenceError) -> FileBytes {
        do { return try guarded(bytes) } catch { throw InferenceError(.outOfMemory, "No memory for the test.") }
    }
}
