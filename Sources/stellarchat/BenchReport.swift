import Foundation
import StellarInference

/// Median, least and greatest of several measurements.
struct Spread: Encodable {
    var median: Double
    var min: Double
    var max: Double

    /// `nil` if nothing was measured.
    init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        (min, max) = (first, last)
    }
}

/// What `bench` reports.
struct BenchReport: Encodable {
    struct Settings: Encodable {
        var model: String
        var summary: String
        var promptTokens: Int
        var generateTokens: Int
        var depth: Int
        var sequences: Int
        var threads: Int
        var repetitions: Int
        var precision: String
        var contextLength: Int
        var seed: UInt64
        var usesBLAS: Bool

        enum CodingKeys: String, CodingKey {
            case model, summary, depth, sequences, threads, repetitions, precision, seed
            case promptTokens = "prompt_tokens"
            case generateTokens = "generate_tokens"
            case contextLength = "context_length"
            case usesBLAS = "uses_blas"
        }
    }

    struct Machine: Encodable {
        var instructionSet: String
        var processorFeatures: String
        var usableCores: Int
        var blas: String
        var blasGigaflops: Double

        enum CodingKeys: String, CodingKey {
            case blas
            case instructionSet = "instruction_set"
            case processorFeatures = "processor_features"
            case usableCores = "usable_cores"
            case blasGigaflops = "blas_gigaflops"
        }

        static var current: Machine {
            let environment = ComputeEnvironment.current
            return Machine(
                instructionSet: environment.instructionSet,
                processorFeatures: environment.processorFeatures,
                usableCores: environment.usableCores,
                blas: environment.blas.name,
                blasGigaflops: environment.blas.gigaflops.rounded()
            )
        }
    }

    var prefill: Spread?
    var decode: Spread?
    var load: Spread?
    var memory: Spread?
    var settings: Settings
    var machine: Machine

    enum CodingKeys: String, CodingKey {
        case settings, machine
        case prefill = "prefill_tokens_per_second"
        case decode = "decode_tokens_per_second"
        case load = "load_seconds"
        case memory = "peak_resident_bytes"
    }

    var text: String {
        var lines = [
            "\(settings.model): \(settings.summary)",
            "\(machine.instructionSet), \(settings.threads) threads, \(settings.sequences) sequences, \(settings.repetitions) repetitions",
            "", "".padded(to: 34) + ["median", "min", "max"].map { Self.column($0) }.joined(),
        ]
        lines += line("prefill \(settings.promptTokens), tokens/s", prefill, decimals: 1)
        lines += line("decode \(settings.generateTokens) at depth \(settings.depth), tokens/s", decode, decimals: 1)
        lines += line("load, s", load, decimals: 3)
        lines += line("peak memory, MB", memory, decimals: 1, scale: 1e-6)
        return lines.joined(separator: "\n") + "\n"
    }

    private func line(_ label: String, _ spread: Spread?, decimals: Int, scale: Double = 1) -> [String] {
        guard let spread else { return [] }
        let values = [spread.median, spread.min, spread.max].map { Self.column(($0 * scale).formatted(decimals: decimals)) }
        return [label.padded(to: 34) + values.joined()]
    }

    private static func column(_ text: String) -> String { String(repeating: " ", count: max(1, 12 - text.count)) + text }
}

/// Most memory that the process has had in use.
enum PeakMemory {
    static var bytes: Int {
        var usage = rusage()
        #if os(Linux)
            return getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 ? usage.ru_maxrss * 1024 : 0
        #else
            return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0
        #endif
    }
}
