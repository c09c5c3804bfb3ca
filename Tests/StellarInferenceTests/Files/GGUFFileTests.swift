import StellarInference
import StellarTestSupport
import Testing

@Suite("GGUF files")
struct GGUFFileTests {
    /// A file with a value of every type and tensors of several.
    static let sample: GGUFWriter = {
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("llama"))
        writer.add("a.uint8", .uint8(200))
        writer.add("a.int8", .int8(-100))
        writer.add("a.uint16", .uint16(60000))
        writer.add("a.int16", .int16(-30000))
        writer.add("a.uint32", .uint32(4_000_000_000))
        writer.add("a.int32", .int32(-2_000_000_000))
        writer.add("a.uint64", .uint64(.max))
        writer.add("a.int64", .int64(.min))
        writer.add("a.float32", .float32(0.5))
        writer.add("a.float64", .float64(1e300))
        writer.add("a.bool", .bool(true))
        writer.add("a.strings", strings: ["", "α", "long enough to be on the heap"])
        writer.add("a.integers", int32s: [1, -2, 3])
        writer.add("a.floats", .array(.float64, [.float64(0.25), .float64(-1)]))
        writer.add("a.bools", .array(.bool, [.bool(true), .bool(false)]))
        writer.add(
            "a.nested",
            .array(.array, [.array(.string, [.string("x")]), .array(.uint8, [.uint8(7), .uint8(8)])])
        )
        writer.addTensor("floats", [3, 2], floats: [1, 2, 3, 4, 5, 6])
        writer.addTensor("quantised", [64, 1], type: .q8_0, bytes: [UInt8](repeating: 9, count: 68))
        writer.addTensor("other", [256], type: .q4_K, bytes: [UInt8](repeating: 1, count: 144))
        return writer
    }()

    @Test("every metadata type is read")
    func everyMetadataType() throws {
        let file = try GGUFFile(.guarded(Self.sample.bytes()))
        let metadata = file.metadata
        #expect(file.version == 3)
        #expect(metadata.keys.count == 17)
        #expect(try metadata.string("general.architecture") == "llama")
        #expect(try metadata.integer("a.uint8") == 200)
        #expect(try metadata.integer("a.int8") == -100)
        #expect(try metadata.integer("a.uint16") == 60000)
        #expect(try metadata.integer("a.int16") == -30000)
        #expect(try metadata.integer("a.uint32") == 4_000_000_000)
        #expect(try metadata.integer("a.int32") == -2_000_000_000)
        #expect(try metadata.integer("a.int64") == .min)
        #expect(try metadata.float("a.float32") == 0.5)
        #expect(try metadata.float("a.float64") == 1e300)
        #expect(try metadata.float("a.uint64") == 0x1p64)
        #expect(try metadata.bool("a.bool") == true)
        #expect(try metadata.strings("a.strings") == ["", "α", "long enough to be on the heap"])
        #expect(try metadata.integers("a.integers") == [1, -2, 3])
        #expect(try metadata.floats("a.floats") == [0.25, -1])
        #expect(try metadata.bools("a.bools") == [true, false])
    }

    @Test("nested arrays are read, and refused where they nest too deep")
    func nestedArrays() throws {
        let metadata = try GGUFFile(.guarded(Self.sample.bytes())).metadata
        guard case .array(let outer)? = metadata["a.nested"] else { throw Mismatch() }
        let inner = try outer.values()
        guard case .array(let first) = inner[0], case .array(let second) = inner[1] else { throw Mismatch() }
        #expect(first.elementType == .string && first.count == 1)
        #expect(second.elementType == .uint8 && second.count == 2)

        var deep = GGUFWriter.Value.array(.uint8, [])
        for _ in 0..<5 { deep = .array(.array, [deep]) }
        var writer = GGUFWriter()
        writer.add("deep", deep)
        expectError(.invalidModelFile, containing: "nested") { try GGUFFile(.guarded(writer.bytes())) }
    }

    private struct Mismatch: Error {}

    @Test("an absent key is nil, a value of the wrong type an error that names key and types")
    func wrongTypes() throws {
        let metadata = try GGUFFile(.guarded(Self.sample.bytes())).metadata
        #expect(try metadata.string("absent") == nil)
        #expect(try metadata.integers("absent") == nil)
        expectError(.invalidModelFile, containing: "“a.bool” is a boolean; it has to be a string") { try metadata.string("a.bool") }
        expectError(.invalidModelFile, containing: "below 2^63") { try metadata.integer("a.uint64") }
        expectError(.invalidModelFile, containing: "a number") { try metadata.float("general.architecture") }
        expectError(.invalidModelFile, containing: "an array of strings") { try metadata.strings("a.integers") }
        expectError(.invalidModelFile, containing: "an array of integers") { try metadata.integers("a.floats") }
        expectError(.invalidModelFile, containing: "an array of integers") { try metadata.integers("a.uint8") }
    }

    @Test("tensors have their names, shapes, types and bytes", arguments: [UInt32(2), 3])
    func tensors(version: UInt32) throws {
        var writer = Self.sample
        writer.version = version
        let file = try GGUFFile(.guarded(writer.bytes()))
        #expect(file.version == Int(version))
        #expect(file.tensors.map(\.name) == ["floats", "quantised", "other"])
        let floats = try #require(file.tensor(named: "floats"))
        #expect(floats.dimensions == [3, 2] && floats.type == .f32 && floats.byteCount == 24 && floats.elementCount == 6)
        #expect(floats.offset % 32 == 0)
        let last = file.bytes(of: floats).loadUnaligned(fromByteOffset: 20, as: UInt32.self)
        #expect(Float(bitPattern: last) == 6)
        let quantised = try #require(file.tensor(named: "quantised"))
        #expect(Array(file.bytes(of: quantised)) == [UInt8](repeating: 9, count: 68))
        #expect(file.tensor(named: "absent") == nil)
    }

    @Test("another alignment is honoured, an impossible one refused")
    func alignment() throws {
        var writer = Self.sample
        writer.alignment = 64
        writer.add("general.alignment", .uint32(64))
        let file = try GGUFFile(.guarded(writer.bytes()))
        #expect(file.alignment == 64)
        #expect(file.tensors.allSatisfy { $0.offset % 64 == 0 })
        for wrong: UInt32 in [0, 4, 33, .max] {
            var writer = Self.sample
            writer.add("general.alignment", .uint32(wrong))
            expectError(.invalidModelFile, containing: "alignment") { try GGUFFile(.guarded(writer.bytes())) }
        }
    }

    @Test("a file without tensors is read")
    func vocabularyOnly() throws {
        var writer = GGUFWriter()
        writer.add("general.name", .string("empty"))
        #expect(try GGUFFile(.guarded(writer.bytes())).tensors.isEmpty)
    }

    @Test("every tensor type has a layout of its own name")
    func tensorTypes() {
        #expect(Set(TensorType.allCases.map(\.name)).count == TensorType.allCases.count)
        let refused = ["Q8_1", "Q8_K", "IQ2_XXS", "IQ1_S", "TQ1_0", "I8", "F64", "NVFP4"]
        for type in TensorType.allCases where refused.contains(type.name) { #expect(!type.isRunnable, "\(type.name)") }
        #expect(TensorType.allCases.count(where: \.isRunnable) == 16)
        #expect(TensorType.q4_1.blockSize == 32 && TensorType.q4_1.blockBytes == 20)
    }

    @Test("the test model is read", .enabled(if: TestModel.isAvailable, "\(TestModel.skipReason)"))
    func realModel() throws {
        let file = try GGUFFile(path: try #require(TestModel.file))
        #expect(try file.metadata.string("general.architecture") == "llama")
        #expect(try file.metadata.strings("tokenizer.ggml.tokens")?.count == 49152)
        #expect(file.tensors.count == 272)
        let embedding = try #require(file.tensor(named: "token_embd.weight"))
        #expect(embedding.dimensions == [576, 49152] && embedding.type == .q8_0)
        #expect(embedding.offset == 1_785_664 && embedding.byteCount == 30_081_024)
    }
}

/// Expects `work` to throw an ``InferenceError`` of this code whose message holds `text`.
func expectError<Result>(
    _ code: InferenceError.Code,
    containing text: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ work: () throws -> Result
) {
    do {
        _ = try work()
        Issue.record("No error was thrown.", sourceLocation: sourceLocation)
    } catch let error as InferenceError {
        #expect(error.code == code, "\(error.message)", sourceLocation: sourceLocation)
        #expect(error.message.contains(text), "\(error.message)", sourceLocation: sourceLocation)
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
}
