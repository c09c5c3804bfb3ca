import StellarInference
import StellarProtocol
import Synchronization

/// Counts what happens to chat requests.
public final class ChatMetrics: ChatObserver {
    private let registry: MetricRegistry
    /// By model. Looking a series up by its labels costs more than recording to it, and tokens are recorded one by one.
    private let instruments = Mutex<[String: ModelInstruments]>([:])
    private static let unknownModel = "none"

    /// - Parameter holder: Asked for the engine's load at each scrape.
    public init(metrics: ServerMetrics, holder: BackendHolder) {
        registry = metrics.registry
        registry.onScrape { [weak self] in self?.collectLoad(of: holder) }
    }

    private func collectLoad(of holder: BackendHolder) {
        let backend: (any ChatBackend)? =
            switch holder.state {
            case .ready(let backend), .stopping(.some(let backend)): backend
            case .loading, .failed, .stopping(.none): nil
            }
        guard let backend, let model = backend.models.first?.id else { return }
        let load = backend.load
        let series = instruments(of: model)
        series.running.set(Double(load.running))
        series.paused.set(Double(load.paused))
        series.waiting.set(Double(load.waiting))
        series.capacity.set(Double(load.maxWaiting))
        series.cacheUsage.set(load.cacheUsage)
        series.preemptions.raise(to: load.totals.preemptions)
        series.drafted.raise(to: load.totals.draftedTokens)
        series.accepted.raise(to: load.totals.acceptedTokens)
        series.prefixQueries.raise(to: load.totals.prefixCacheQueries)
        series.prefixHits.raise(to: load.totals.prefixCacheHits)
    }

    public func observe(_ observation: ChatObservation, model: String?) {
        if case .rejected(let error) = observation {
            registry.counter("stellar_requests_rejected_total", [("reason", error.code ?? error.type)]).increment(by: 1.0)
            return
        }
        let series = instruments(of: model ?? Self.unknownModel)
        switch observation {
        case .rejected, .queued: break
        case .firstToken(let duration): series.firstToken.observe(duration.seconds)
        case .tokens(let count, let duration): series.betweenTokens.observe(duration.seconds / Double(max(count, 1)), times: max(count, 1))
        case .finished(let end, let duration): series.finished(end, duration)
        case .failed: series.ended("error").increment(by: 1.0)
        case .cancelled: series.ended("cancelled").increment(by: 1.0)
        }
    }

    private func instruments(of model: String) -> ModelInstruments {
        instruments.withLock { known in
            if let found = known[model] { return found }
            let made = ModelInstruments(model: model, registry: registry)
            known[model] = made
            return made
        }
    }
}

/// The series of one model, looked up once.
private final class ModelInstruments: Sendable {
    let running, paused, waiting, capacity, cacheUsage: GaugeInstrument
    let preemptions, drafted, accepted, prefixQueries, prefixHits: CounterInstrument
    let firstToken, betweenTokens: HistogramInstrument
    private let endToEnd, queue, prefill, decode: HistogramInstrument
    private let promptTokens, cachedTokens, generatedTokens: CounterInstrument
    private let ends: [String: CounterInstrument]
    private let other: CounterInstrument

    init(model: String, registry: MetricRegistry) {
        let labels = [("model", model)]
        func counter(_ name: String) -> CounterInstrument { registry.counter("stellar_" + name, labels) }
        func gauge(_ name: String) -> GaugeInstrument { registry.gauge("stellar_" + name, labels) }
        func histogram(_ name: String) -> HistogramInstrument { registry.histogram("stellar_" + name, labels) }
        func ended(_ reason: String) -> CounterInstrument {
            registry.counter("stellar_request_finished_total", labels + [("reason", reason)])
        }
        running = gauge("requests_running")
        paused = gauge("requests_paused")
        waiting = gauge("requests_waiting")
        capacity = gauge("queue_capacity")
        cacheUsage = gauge("kv_cache_usage_ratio")
        preemptions = counter("preemptions_total")
        drafted = counter("speculation_drafted_tokens_total")
        accepted = counter("speculation_accepted_tokens_total")
        prefixQueries = counter("prefix_cache_queries_total")
        prefixHits = counter("prefix_cache_hits_total")
        firstToken = histogram("time_to_first_token_seconds")
        betweenTokens = histogram("inter_token_latency_seconds")
        endToEnd = histogram("e2e_request_latency_seconds")
        queue = histogram("request_queue_time_seconds")
        prefill = histogram("request_prefill_time_seconds")
        decode = histogram("request_decode_time_seconds")
        promptTokens = counter("prompt_tokens_total")
        cachedTokens = counter("cached_prompt_tokens_total")
        generatedTokens = counter("generation_tokens_total")
        ends = Dictionary(uniqueKeysWithValues: ["stop", "length", "error", "cancelled"].map { ($0, ended($0)) })
        other = ended("other")
    }

    func ended(_ reason: String) -> CounterInstrument {
        ends[reason] ?? other
    }

    func finished(_ end: ChoiceEnd, _ duration: Duration) {
        ended(end.finishReason).increment(by: 1.0)
        endToEnd.observe(duration.seconds)
        queue.observe(end.timings.queue.seconds)
        prefill.observe(end.timings.prefill.seconds)
        decode.observe(end.timings.decode.seconds)
        promptTokens.increment(by: Double(end.usage.promptTokens))
        cachedTokens.increment(by: Double(end.usage.cachedTokens))
        generatedTokens.increment(by: Double(end.usage.completionTokens))
    }
}

extension CounterInstrument {
    /// Takes over a total that is kept elsewhere.
    fileprivate func raise(to total: Int?) {
        if let total { increment(by: Double(total) - value) }
    }
}
