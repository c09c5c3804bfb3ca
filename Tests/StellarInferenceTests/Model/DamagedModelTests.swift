import Foundation
import StellarInference
import StellarTestSupport
import Testing

@Suite("Damaged model files", .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason)))
struct DamagedModelTests {
    /// A private copy of the test model that can be damaged and mended in place.
    private final class Copy {
        let path: String
        private let descriptor: Int32

        init() throws {
            path = FileManager.default.temporaryDirectory.appendingPathComponent("stellar-\(UUID().uuidString).gguf").path
            try FileManager.default.copyItem(atPath: try #require(TestModel.file), toPath: path)
            chmod(path, 0o600)
            descriptor = open(path, O_RDWR)
        }

        deinit {
            close(descriptor)
            unlink(path)
        }

        var size: Int { Int(lseek(descriptor, 0, SEEK_END)) }

        func flip(bit: Int) {
            var byte: UInt8 = 0
            pread(descriptor, &byte, 1, off_t(bit / 8))
            byte ^= 1 << (bit % 8)
            pwrite(descriptor, &byte, 1, off_t(bit / 8))
        }

        func truncate(to size: Int) { ftruncate(descriptor, off_t(size)) }
    }

    @Test("200 flipped bits, half of them in the header: an error or a model that still gives tokens")
    func flippedBits() async throws {
        let copy = try Copy()
        let size = copy.size
        var random = RandomSource(seed: 20_261_123)
        var outcomes = (loaded: 0, refused: 0)
        for round in 0..<200 {
            let bytes = round % 2 == 0 ? 2 << 20 : size
            let bit = Int(random.next() % UInt64(bytes * 8))
            copy.flip(bit: bit)
            do {
                let model = try await LanguageModel.load(path: copy.path)
                let engine = try InferenceEngine(model: model, configuration: .init(contextLength: 64, maxBatch: 1))
                let request = GenerationRequest(promptTokens: [1, 2, 3], sampling: .init(seed: 1), maxTokens: 2)
                for try await _ in try engine.generate(request) {}
                await engine.shutdown()
                outcomes.loaded += 1
            } catch let error as InferenceError {
                #expect(!error.message.isEmpty)
                outcomes.refused += 1
            }
            copy.flip(bit: bit)
        }
        print("Flipped bits: \(outcomes.loaded) loaded, \(outcomes.refused) refused")
        #expect(outcomes.loaded + outcomes.refused == 200)
    }

    @Test("cut at 50 places: always an error that says so")
    func truncated() async throws {
        let copy = try Copy()
        let size = copy.size
        for step in (0..<50).reversed() {
            copy.truncate(to: size / 50 * step + 7)
            let error = await #expect(throws: InferenceError.self) { try await LanguageModel.load(path: copy.path) }
            #expect(error?.code == .invalidModelFile)
        }
    }
}
