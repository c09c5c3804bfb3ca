import ArgumentParser
import StellarInference

/// `stellarchat bench`: how fast a model runs on this machine.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast a model runs.",
        discussion: """
            Prefill: prompts of --prompt-tokens random tokens, one per sequence, from submission to the last first token. \
            Decode: after --depth prompt tokens, all sequences together, over the time in which every sequence is generating. \
            Loading is repeated in the same process (each time anew, the file being in the system's cache from the second time on), from \
            the path to an engine that takes requests. Peak memory is that of the whole process: one figure for all repetitions. \
            One repetition that is not counted comes first.
            """
    )

    @OptionGroup var model: ModelArgument
    @OptionGroup var engine: EngineOptions

    @Option(help: "Tokens of the prompt when prefill is measured; 0: don't.")
    var promptTokens = 512

    @Option(help: "Tokens to generate per sequence when decoding is measured; 0: don't.")
    var generateTokens = 128

    @Option(help: "Prompt tokens before decoding is measured.")
    var depth = 0

    @Option(help: "Sequences at the same time.")
    var sequences = 1

    @Option(help: "Repetitions, from which median, minimum and maximum are taken.")
    var repetitions = 5

    @Option(help: "Seed of the random prompts.")
    var seed: UInt64 = 1

    @Flag(help: "Print the results as JSON.")
    var json = false

    func validate() throws {
        for (name, value, least) in [
            ("prompt-tokens", promptTokens, 0), ("generate-tokens", generateTokens, 0), ("depth", depth, 0), ("sequences", sequences, 1),
            ("repetitions", repetitions, 1),
        ] where value < least {
            throw ValidationError("--\(name) is \(value); at least \(least) is possible.")
        }
        guard sequences <= 1024 else { throw ValidationError("--sequences is \(sequences); at most 1024 is possible.") }
    }

    func run() async throws {
        var loads: [Double] = []
        for _ in 1..<repetitions {
            let load = try await load()
            loads.append(load.seconds)
            try await load.awaitRelease()
        }
        let start = ContinuousClock.now
        let engine = try await engine.start(model.path, maxBatch: sequences, isMeasured: true)
        loads.append((.now - start).seconds)
        let measured = try await measure(engine)
        let report = BenchReport(
            prefill: Spread(measured.prefill),
            decode: Spread(measured.decode),
            load: Spread(loads),
            memory: Spread([Double(PeakMemory.bytes)]),
            settings: settings(engine),
            machine: .current
        )
        if json { try Terminal.writeJSON(report) } else { Terminal.write(report.text) }
        await engine.shutdown()
    }

    /// A load that was let go of again, so that the next one is a new one.
    private struct Load {
        var seconds: Double
        weak var model: LanguageModel?

        /// Waits until nothing holds the model any more.
        func awaitRelease() async throws {
            var waits = 0
            while model != nil {
                waits += 1
                guard waits < 1000 else { throw InferenceError(.invalidRequest, "The model was not released: use --repetitions 1.") }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    private func load() async throws -> Load {
        let start = ContinuousClock.now
        let engine = try await engine.start(model.path, maxBatch: sequences, isMeasured: true)
        let load = Load(seconds: (.now - start).seconds, model: engine.model)
        await engine.shutdown()
        return load
    }

    private func measure(_ engine: InferenceEngine) async throws -> (prefill: [Double], decode: [Double]) {
        var benchmark = Benchmark(engine: engine, sequences: sequences, seed: seed)
        try benchmark.check(promptTokens: promptTokens, depth: depth, generateTokens: generateTokens)
        var prefill: [Double] = []
        var decode: [Double] = []
        for repetition in 0...repetitions {
            let isWarmUp = repetition == 0
            if promptTokens > 0 {
                let rate = try await benchmark.prefillRate(tokens: promptTokens)
                if !isWarmUp { prefill.append(rate) }
            }
            if generateTokens > 0 {
                let rate = try await benchmark.decodeRate(tokens: generateTokens, depth: depth)
                if !isWarmUp { decode.append(rate) }
            }
        }
        return (prefill, decode)
    }

    private func settings(_ engine: InferenceEngine) -> BenchReport.Settings {
        BenchReport.Settings(
            model: engine.model.name,
            summary: engine.model.summary,
            promptTokens: promptTokens,
            generateTokens: generateTokens,
            depth: depth,
            sequences: sequences,
            threads: engine.threads,
            repetitions: repetitions,
            precision: self.engine.precision.rawValue,
            contextLength: engine.contextLength,
            seed: seed,
            usesBLAS: engine.usesBLAS
        )
    }
}
