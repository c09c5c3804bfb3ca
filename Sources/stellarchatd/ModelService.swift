import Logging
import ServiceLifecycle
import StellarInference
import StellarServer

/// The model can't be served: the daemon ends with this message, so that its supervisor sees it.
struct ModelLoadError: Error, CustomStringConvertible {
    let description: String
}

/// Loads the model while the port is already open, hands it to the routes, and stops the engine last of all.
struct ModelService: Service, CustomStringConvertible {
    let settings: ServerSettings
    let holder: BackendHolder
    let metrics: ServerMetrics
    let logger: Logger

    var description: String { "model" }

    func run() async throws {
        // Loading can't be interrupted: when the daemon is told to stop meanwhile, it is not waited for.
        let loading = Task { try await load() }
        let (outcome, continuation) = AsyncThrowingStream<InferenceEngine, any Error>.makeStream()
        Task { continuation.yield(with: await loading.result) }
        let engine: InferenceEngine? = try await withTaskCancellationOrGracefulShutdownHandler {
            try await outcome.first { _ in true }
        } onCancelOrGracefulShutdown: {
            continuation.finish()
        }
        guard let engine else { return }
        holder.set(.ready(LocalChatBackend(engine: engine, version: BuildInformation.version)))
        logger.notice("Ready")
        try? await gracefulShutdown()
        await engine.shutdown()
    }

    private func load() async throws -> InferenceEngine {
        logger.notice("Loading the model", metadata: ["path": "\(settings.modelPath)"])
        do {
            let start = ContinuousClock.now
            let model = try await LanguageModel.load(path: settings.modelPath, options: settings.loadOptions)
            let engine = try InferenceEngine(model: model, configuration: settings.engineConfiguration)
            let duration = ContinuousClock.now - start
            metrics.modelLoaded(model.name, in: duration)
            log(.current)
            log(engine, duration)
            return engine
        } catch {
            holder.set(.failed("\(error)"))
            throw ModelLoadError(description: "The model can't be served: \(error) (MODEL_PATH is \(settings.modelPath))")
        }
    }

    private func log(_ engine: InferenceEngine, _ duration: Duration) {
        logger.notice(
            "Model loaded",
            metadata: [
                "model": "\(engine.model.name)",
                "summary": "\(engine.model.summary)",
                "context_length": "\(engine.contextLength)",
                "max_batch": "\(engine.maxBatch)",
                "precision": "\(settings.precision.rawValue)",
                "threads": "\(engine.threads)",
                "prompts_through": "\(engine.usesBLAS ? "BLAS" : "own kernels")",
                "load_time": "\(duration)",
            ]
        )
    }

    /// What the machine gives, and whether its BLAS is one to replace.
    private func log(_ environment: ComputeEnvironment) {
        let blas = environment.blas
        logger.notice(
            "Machine",
            metadata: [
                "kernels": "\(environment.instructionSet)",
                "cpu_features": "\(environment.processorFeatures)",
                "usable_cores": "\(environment.usableCores)",
                "blas": "\(blas.name)",
                "blas_gflops": "\(blas.gigaflops.rounded())",
                "blas_is_slow": "\(blas.isSlow)",
            ]
        )
        if blas.isSlow {
            logger.warning(
                "The BLAS library is slow, and prompts do not go through it. OpenBLAS is faster (Debian: apt install libopenblas0-pthread).",
                metadata: ["blas": "\(blas.name)"]
            )
        }
    }
}
