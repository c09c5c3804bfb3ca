import Foundation
import StellarInference
import StellarTestSupport
import Testing

@Suite("Damaged and hostile GGUF files")
struct GGUFHostileFileTests {
    /// Parses and reads everything that can be read; any outcome but a crash or an error of another kind is fine.
    ///
    /// - Returns: whether the file was accepted.
    @discardableResult
    private func exercise(_ bytes: some Collection<UInt8>) throws -> Bool {
        let file: GGUFFile
        do { file = try GGUFFile(.guarded(bytes)) } catch let error as InferenceError {
            #expect(error.code == .invalidModelFile || error.code == .unsupportedModel)
            return false
        }
        var sum = 0
        for tensor in file.tensors { sum += Int(file.bytes(of: tensor).last ?? 0) }
        for key in file.metadata.keys {
            if case .array(let array)? = file.metadata[key] { sum += (try? array.values().count) ?? 0 }
        }
        #expect(sum >= 0)
        return true
    }

    @Test("cut anywhere, a small file is an error")
    func truncatedSmall() throws {
        let bytes = GGUFFileTests.sample.bytes()
        for count in 0..<bytes.count {
            #expect(try !exercise(bytes[..<count]), "cut at \(count)")
        }
        #expect(try exercise(bytes))
    }

    @Test("cut at 50 places, the test model is an error", .enabled(if: TestModel.isAvailable, "\(TestModel.skipReason)"))
    func truncatedModel() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("cut.gguf")
        try FileManager.default.copyItem(atPath: try #require(TestModel.file), toPath: path)
        let size = try MappedFile(path: path).bytes.count
        for index in 0..<50 {
            // The first ten cuts go through the tensor data, the others through the tensor table and the metadata, the last leaves nothing.
            let count = index < 10 ? size - 1 - index * 9_000_000 : (49 - index) * 44_640
            #expect(truncate(path, off_t(count)) == 0)
            expectError(.invalidModelFile, containing: count == 0 ? "empty" : "") { try GGUFFile(path: path) }
        }
    }

    @Test("flipped bits give an error or a file that can be read", arguments: 0..<8)
    func flippedBits(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let original = GGUFFileTests.sample.bytes()
        for _ in 0..<1000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            try exercise(bytes)
        }
    }

    @Test("flipped bits in the test model give an error or a file", .enabled(if: TestModel.isAvailable, "\(TestModel.skipReason)"))
    func flippedBitsModel() throws {
        let path = try #require(TestModel.file)
        let copy = try #require(PrivateMapping(path: path))
        var generator = SeededGenerator(seed: 99)
        var accepted = 0
        for _ in 0..<200 {
            let place = Int.random(in: 0..<1_785_664, using: &generator)
            let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
            copy.bytes[place] ^= bit
            defer { copy.bytes[place] ^= bit }
            do {
                let file = try GGUFFile(FileBytes(UnsafeRawBufferPointer(copy.bytes), name: "flipped.gguf", owner: copy))
                accepted += 1
                for tensor in file.tensors { _ = file.bytes(of: tensor).last }
                if accepted % 10 == 0 { _ = try Tokenizer(TokenizerVocabulary(file.metadata)).encode("Hello <|im_end|>") }
            } catch {
                #expect(error.code == .invalidModelFile || error.code == .unsupportedModel)
            }
        }
        #expect(accepted > 0)
    }

    @Test(
        "impossible counts and lengths are refused before anything is allocated",
        arguments: [UInt64.max, UInt64(Int64.max), UInt64(Int64.max) + 1, 1 << 62, 1 << 40, 1 << 32]
    )
    func hostileCounts(count: UInt64) throws {
        let start = GGUFFile.magic + GGUFWriter.bytes(UInt32(3))
        let zero = GGUFWriter.bytes(UInt64(0))
        let one = GGUFWriter.bytes(UInt64(1))
        let many = GGUFWriter.bytes(count)
        let key = one + Array("k".utf8)
        #expect(try !exercise(start + many + zero))
        #expect(try !exercise(start + zero + many))
        #expect(try !exercise(start + zero + one + many + [UInt8](repeating: 0, count: 64)))
        for type in GGUFValueType.allCases {
            let array = GGUFWriter.bytes(GGUFValueType.array.rawValue) + GGUFWriter.bytes(type.rawValue) + many
            #expect(try !exercise(start + zero + one + key + array + [UInt8](repeating: 0, count: 64)))
        }
        let string = GGUFWriter.bytes(GGUFValueType.string.rawValue) + many
        #expect(try !exercise(start + zero + one + key + string + [UInt8](repeating: 0, count: 64)))
    }

    @Test("impossible tensors are refused")
    func hostileTensors() throws {
        func file(_ change: (inout GGUFWriter.Tensor) -> Void) -> [UInt8] {
            var writer = GGUFWriter()
            var tensor = GGUFWriter.Tensor(name: "t", dimensions: [32, 2], type: 8, bytes: [UInt8](repeating: 0, count: 68))
            change(&tensor)
            writer.tensors = [tensor]
            return writer.bytes()
        }
        func refuse(_ code: InferenceError.Code, _ text: String, _ change: (inout GGUFWriter.Tensor) -> Void) {
            expectError(code, containing: text) { try GGUFFile(.guarded(file(change))) }
        }
        #expect(try exercise(file { _ in }))
        refuse(.invalidModelFile, "5 dimensions") { $0.dimensions = [32, 1, 1, 1, 1] }
        refuse(.invalidModelFile, "impossible dimension") { $0.dimensions = [32, 0] }
        refuse(.invalidModelFile, "impossible dimension") { $0.dimensions = [32, -1] }
        refuse(.invalidModelFile, "impossible dimension") { $0.dimensions = [1 << 32, 1 << 31] }
        refuse(.invalidModelFile, "larger than the file") { $0.dimensions = [1 << 32, 1 << 30] }
        refuse(.invalidModelFile, "no multiple") { $0.dimensions = [48, 2] }
        refuse(.invalidModelFile, "alignment") { $0.offset = 8 }
        refuse(.invalidModelFile, "truncated") { $0.offset = 32 }
        refuse(.invalidModelFile, "offset") { $0.offset = .max - 31 }
        refuse(.unsupportedModel, "Q4_0_4_4") { $0.type = 31 }
        refuse(.unsupportedModel, "number 1234") { $0.type = 1234 }
        refuse(.invalidModelFile, "name") { $0.name = String(repeating: "n", count: 300) }
    }

    @Test("what occurs twice is refused")
    func duplicates() throws {
        var writer = GGUFFileTests.sample
        writer.add("a.bool", .bool(false))
        expectError(.invalidModelFile, containing: "“a.bool” occurs twice") { try GGUFFile(.guarded(writer.bytes())) }
        writer = GGUFFileTests.sample
        writer.addTensor("floats", [1], floats: [0])
        expectError(.invalidModelFile, containing: "“floats” occurs twice") { try GGUFFile(.guarded(writer.bytes())) }
    }

    @Test("text that is not UTF-8, and booleans that are neither, are refused")
    func invalidValues() throws {
        var writer = GGUFWriter()
        writer.add("kkkk", .string("vvvv"))
        writer.add("flag", .bool(true))
        let bytes = writer.bytes()
        for text in ["kkkk", "vvvv"] {
            var damaged = bytes
            let place = try #require(damaged.firstRange(of: Array(text.utf8)))
            damaged[place.lowerBound] = 0xFF
            expectError(.invalidModelFile, containing: "UTF-8") { try GGUFFile(.guarded(damaged)) }
        }
        expectError(.invalidModelFile, containing: "boolean is 2") { try GGUFFile(.guarded(bytes.dropLast() + [2])) }
    }

    @Test("other magic, versions and byte orders are refused by name")
    func otherFormats() throws {
        var writer = GGUFFileTests.sample
        expectError(.invalidModelFile, containing: "not a GGUF file") { try GGUFFile(.guarded(Array("GGML".utf8) + writer.bytes())) }
        writer.version = 1
        expectError(.unsupportedModel, containing: "version 1") { try GGUFFile(.guarded(writer.bytes())) }
        writer.version = 4
        expectError(.unsupportedModel, containing: "version 4") { try GGUFFile(.guarded(writer.bytes())) }
        writer.version = UInt32(3).byteSwapped
        expectError(.unsupportedModel, containing: "big-endian") { try GGUFFile(.guarded(writer.bytes())) }
    }
}

/// A file mapped so that writes change this mapping only.
///
/// `@unchecked Sendable`: used by one test on one thread.
private final class PrivateMapping: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init?(path: String) {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return nil }
        let size = Int(status.st_size)
        guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else { return nil }
        bytes = UnsafeMutableRawBufferPointer(start: base, count: size)
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }
}
