import Foundation
import StellarInference

/// Bytes that end at a page which can't be read, so that a read beyond them crashes the test instead of passing by luck.
///
/// `@unchecked Sendable`: written once in `init`.
final class GuardedBytes: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    private let size: Int
    let buffer: UnsafeRawBufferPointer

    init?(_ bytes: some Collection<UInt8>) {
        let page = Int(getpagesize())
        let readable = (bytes.count + page - 1) / page * page
        size = readable + page
        guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), base != MAP_FAILED else { return nil }
        let start = base + (readable - bytes.count)
        UnsafeMutableRawBufferPointer(start: start, count: bytes.count).copyBytes(from: bytes)
        mprotect(base + readable, page, PROT_NONE)
        self.base = base
        buffer = UnsafeRawBufferPointer(start: start, count: bytes.count)
    }

    deinit {
        munmap(base, size)
    }
}

extension FileBytes {
    /// A file in memory with a guard page behind it.
    static func guarded(_ bytes: some Collection<UInt8>, name: String = "test.gguf") throws -> FileBytes {
        guard let guarded = GuardedBytes(bytes) else { throw InferenceError(.outOfMemory, "No memory for the test.") }
        return FileBytes(guarded.buffer, name: name, owner: guarded)
    }
}

/// A small random generator with a seed (SplitMix64, Steele et al. 2014): the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}

/// A directory for one test, removed when the value goes.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "stellar-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of an entry.
    func file(_ name: String) -> String { path + "/" + name }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }
}
