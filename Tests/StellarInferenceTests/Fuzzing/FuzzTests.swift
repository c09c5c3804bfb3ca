import Foundation
import StellarInference
import Testing

@Suite("Random damage to everything that a model consists of")
struct FuzzTests {
    private static let targets = Result { try FuzzTarget.all() }

    @Test("every input ends in a result or an error", arguments: 0..<5)
    func short(target: Int) throws {
        let target = try Self.targets.get()[target]
        var accepted = 0
        for seed in 0..<UInt64(600) {
            let outcome = FuzzRun.outcome(of: target, seed)
            #expect(outcome.finding == nil, "\(target.name), seed \(seed): \(outcome.finding ?? "")")
            accepted += outcome.isAccepted ? 1 : 0
        }
        // Inputs that are all refused at once would test little.
        #expect(accepted > 0 && accepted < 600, "\(target.name): \(accepted) accepted")
    }

    @Test("a run of scripts/fuzz", .enabled(if: FuzzRun.fromEnvironment != nil, "Set by scripts/fuzz."))
    func long() throws {
        let run = try #require(FuzzRun.fromEnvironment)
        let target = try #require(try Self.targets.get().first { $0.name == run.target })
        let summary = try run.perform(target)
        print("fuzz: \(target.name): \(summary)")
        #expect(summary.findings.isEmpty, "\(target.name): \(summary.findings.joined(separator: "; "))")
    }
}

/// Inputs of one target, one after the other, as scripts/fuzz asks for them.
struct FuzzRun {
    let target: String
    let seed: UInt64
    let seconds: Double
    /// Inputs at most.
    let count: UInt64
    /// Where the seed at work is written to, for when the process dies.
    let record: String

    /// Bytes that reading an input may take: so much, and so many times its size.
    private static let baseMemory = 96 << 20
    private static let memoryPerByte = 128
    /// CPU seconds that an input may take: all are small.
    private static let longest = 10.0
    private static let batch: UInt64 = 32

    static let fromEnvironment: FuzzRun? = {
        let environment = ProcessInfo.processInfo.environment
        guard let target = environment["STELLAR_FUZZ_TARGET"], let record = environment["STELLAR_FUZZ_RECORD"] else { return nil }
        return FuzzRun(
            target: target,
            seed: environment["STELLAR_FUZZ_SEED"].flatMap { UInt64($0) } ?? 0,
            seconds: environment["STELLAR_FUZZ_SECONDS"].flatMap { Double($0) } ?? 10,
            count: environment["STELLAR_FUZZ_COUNT"].flatMap { UInt64($0) } ?? .max,
            record: record
        )
    }()

    struct Summary: CustomStringConvertible {
        var seeds: Range<UInt64>
        var accepted = 0
        var slowest = (seconds: 0.0, seed: UInt64(0))
        var largest = (bytes: 0, seed: UInt64(0))
        var findings: [String] = []

        var description: String {
            "seeds \(seeds.lowerBound) to \(seeds.upperBound - 1), \(accepted) accepted, slowest "
                + String(format: "%.2f s CPU (seed %llu), ", slowest.seconds, slowest.seed)
                + "most memory \(largest.bytes >> 20) MB (seed \(largest.seed))"
        }
    }

    static func outcome(of target: FuzzTarget, _ seed: UInt64) -> (isAccepted: Bool, finding: String?) {
        do {
            try target.read(target.input(seed), seed)
            return (true, nil)
        } catch let error as InferenceError {
            return (false, error.message.isEmpty ? "an error without words" : nil)
        } catch {
            return (false, "\(error)")
        }
    }

    func perform(_ target: FuzzTarget) throws -> Summary {
        let file = open(record, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(file) }
        let deadline = ContinuousClock.now + .seconds(seconds)
        var summary = Summary(seeds: seed..<seed + 1)
        // What is made once and kept.
        for warm in 0..<min(count, Self.batch) { _ = Self.outcome(of: target, seed &+ warm) }
        var next = seed
        let last = seed.addingReportingOverflow(count)
        let end = last.overflow ? .max : last.partialValue
        while next < end, ContinuousClock.now < deadline, summary.findings.count < 10 {
            let batch = next..<min(next &+ Self.batch, end)
            if try memory({ run(target, batch, file, &summary) }) > Self.baseMemory {
                // Which one was it?
                for seed in batch { try measure(target, seed, file, &summary) }
            }
            next = batch.upperBound
            summary.seeds = seed..<next
        }
        return summary
    }

    private func run(_ target: FuzzTarget, _ seeds: Range<UInt64>, _ file: Int32, _ summary: inout Summary) {
        for seed in seeds {
            note(seed, file)
            let start = clock()
            let outcome = Self.outcome(of: target, seed)
            let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
            if seconds > summary.slowest.seconds { summary.slowest = (seconds, seed) }
            if seconds > Self.longest { summary.findings.append("seed \(seed) takes \(seconds) s") }
            if let finding = outcome.finding { summary.findings.append("seed \(seed): \(finding)") }
            summary.accepted += outcome.isAccepted ? 1 : 0
        }
    }

    private func measure(_ target: FuzzTarget, _ seed: UInt64, _ file: Int32, _ summary: inout Summary) throws {
        note(seed, file)
        let size = target.input(seed).count
        let bytes = try memory { _ = Self.outcome(of: target, seed) }
        if bytes > summary.largest.bytes { summary.largest = (bytes, seed) }
        if bytes > Self.baseMemory + Self.memoryPerByte * size {
            summary.findings.append("seed \(seed) takes \(bytes >> 20) MB for \(size) bytes")
        }
    }

    private func note(_ seed: UInt64, _ file: Int32) {
        let text = Array("\(seed)\n".utf8)
        ftruncate(file, 0)
        pwrite(file, text, text.count, 0)
    }

    /// By how much the peak of resident memory lies above what there was before; 0 where the system does not say.
    private func memory(_ body: () -> Void) throws -> Int {
        try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .ascii)
        let before = Self.status("VmRSS")
        body()
        return Self.status("VmHWM") - before
    }

    private static func status(_ key: String) -> Int {
        let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .ascii))?.split(separator: "\n") ?? []
        let words = lines.first { $0.hasPrefix(key + ":") }?.split(whereSeparator: \.isWhitespace) ?? []
        return words.count > 1 ? (Int(words[1]) ?? 0) << 10 : 0
    }
}
