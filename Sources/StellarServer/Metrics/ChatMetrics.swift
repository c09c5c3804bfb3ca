import StellarInference
import StellarProtocol

/// Counts what happens to chat requests.
public struct ChatMetrics: ChatObserver {
    private let registry: MetricRegistry
    private static let unknownModel = "none"

    /// - Parameter holder: Asked for the engine's load at each scrape.
    public init(metrics: ServerMetrics, holder: BackendHolder) {
        registry = metrics.registry
        registry.onScrape { [unowned registry] in Self.collectLoad(of: holder, into: registry) }
    }

    private static func collectLoad(of holder: BackendHolder, into registry: MetricRegistry) {
        let backend: (any ChatBackend)? =
            switch holder.state {
            case .ready(let backend), .stopping(.some(let backend)): backend
            case .loading, .failed, .stopping(.none): nil
            }
        guard let backend, let model = backend.models.first?.id else { return }
        let load = backend.load
        registry.gauge("stellar_requests_running", [("model", model)]).set(Double(load.running))
        registry.gauge("stellar_requests_waiting", [("model", model)]).set(Double(load.waiting))
        registry.gauge("stellar_kv_cache_usage_ratio", [("model", model)]).set(load.cacheUsage)
    }

    public func observe(_ observation: ChatObservation, model: String?) {
        let labels = [("model", model ?? Self.unknownModel)]
        switch observation {
        case .rejected(let error):
            registry.counter("stellar_requests_rejected_total", [("reason", error.code ?? error.type)]).increment(by: 1.0)
        case .queued: break
        case .firstToken(let duration): observe(duration, "stellar_time_to_first_token_seconds", labels)
        case .tokens(let count, let duration):
            let each = duration.seconds / Double(max(count, 1))
            let histogram = registry.histogram("stellar_inter_token_latency_seconds", labels)
            for _ in 0..<max(count, 1) { histogram.observe(each) }
        case .finished(let end, let duration): finished(end, duration, labels)
        case .failed: ended("error", labels)
        case .cancelled: ended("cancelled", labels)
        }
    }

    private func finished(_ end: ChoiceEnd, _ duration: Duration, _ labels: [(String, String)]) {
        ended(end.finishReason, labels)
        observe(duration, "stellar_e2e_request_latency_seconds", labels)
        observe(end.timings.queue, "stellar_request_queue_time_seconds", labels)
        observe(end.timings.prefill, "stellar_request_prefill_time_seconds", labels)
        observe(end.timings.decode, "stellar_request_decode_time_seconds", labels)
        registry.counter("stellar_prompt_tokens_total", labels).increment(by: Double(end.usage.promptTokens))
        registry.counter("stellar_cached_prompt_tokens_total", labels).increment(by: Double(end.usage.cachedTokens))
        registry.counter("stellar_generation_tokens_total", labels).increment(by: Double(end.usage.completionTokens))
        registry.counter("stellar_prefix_cache_queries_total", labels).increment(by: Double(end.usage.promptTokens))
        registry.counter("stellar_prefix_cache_hits_total", labels).increment(by: Double(end.usage.cachedTokens))
    }

    private func ended(_ reason: String, _ labels: [(String, String)]) {
        registry.counter("stellar_request_finished_total", labels + [("reason", reason)]).increment(by: 1.0)
    }

    private func observe(_ duration: Duration, _ name: String, _ labels: [(String, String)]) {
        registry.histogram(name, labels).observe(duration.seconds)
    }
}
