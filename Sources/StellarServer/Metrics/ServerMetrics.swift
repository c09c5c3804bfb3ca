import Metrics
import StellarInference

/// The series that the server exports, with their meanings. Interval names and meanings follow vLLM's.
public struct ServerMetrics: Sendable {
    public let registry: MetricRegistry
    let factory: RegistryMetricsFactory

    public init(registry: MetricRegistry = MetricRegistry(catalogue: ServerMetrics.catalogue)) {
        self.registry = registry
        self.factory = RegistryMetricsFactory(registry: registry)
        ProcessMetrics.install(in: registry)
        webSocketConnections.set(0.0)
        _ = webSocketConnectionsTotal
        for direction in ["in", "out"] { _ = webSocketMessagesTotal(direction: direction) }
        // Series that alerts look at exist from the start, at 0.
        for reason in ["queue_full", "model_loading", "server_stopping"] {
            _ = registry.counter("stellar_requests_rejected_total", [("reason", reason)])
        }
        Gauge(label: "stellar_build_info", dimensions: [("version", BuildInformation.version)], factory: factory).record(1)
    }

    /// An answered HTTP request.
    func request(method: String, endpoint: String, status: Int, duration: Duration) {
        Counter(
            label: "api_requests_total",
            dimensions: [("method", method), ("endpoint", endpoint), ("status", String(status))],
            factory: factory
        ).increment()
        registry.histogram("api_request_latency_seconds", [("endpoint", endpoint)]).observe(duration.seconds)
    }

    /// The model is ready after this long.
    public func modelLoaded(_ model: String, in duration: Duration) {
        registry.gauge("stellar_model_load_seconds", [("model", model)]).set(duration.seconds)
    }

    var webSocketConnections: GaugeInstrument { registry.gauge("stellar_websocket_connections") }
    func webSocketMessagesTotal(direction: String) -> CounterInstrument {
        registry.counter("stellar_websocket_messages_total", [("direction", direction)])
    }
    var webSocketConnectionsTotal: CounterInstrument { registry.counter("stellar_websocket_connections_total") }
}

extension ServerMetrics {
    /// vLLM's bounds of time to first token, with 2.5 ms added below: small models on a CPU are faster than what those were made for.
    static let firstTokenBuckets: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
    ]
    /// vLLM's bounds of inter-token latency, with 1, 2.5 and 5 ms added below.
    static let interTokenBuckets: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
    ]
    /// vLLM's bounds of whole requests, from 10 ms.
    static let requestBuckets: [Double] = [
        0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
    ]

    /// Help texts and buckets of everything that is exported.
    public static let catalogue: [String: MetricDescription] = [
        "api_requests_total": MetricDescription("HTTP requests answered, by method, route and status."),
        "api_request_latency_seconds": MetricDescription(
            "Time from the request's head to the last byte of its answer, by route.",
            buckets: requestBuckets
        ),
        "stellar_build_info": MetricDescription("Constant 1; the labels say what runs."),
        "stellar_model_load_seconds": MetricDescription("Time that loading the model took."),
        "stellar_time_to_first_token_seconds": MetricDescription(
            "Time from a request's arrival to its first token.",
            buckets: firstTokenBuckets
        ),
        "stellar_inter_token_latency_seconds": MetricDescription(
            "Mean time between two tokens of one reply.",
            buckets: interTokenBuckets
        ),
        "stellar_e2e_request_latency_seconds": MetricDescription(
            "Time from a request's arrival to its last token.",
            buckets: requestBuckets
        ),
        "stellar_request_queue_time_seconds": MetricDescription(
            "Time that a request waited for a place in the batch.",
            buckets: requestBuckets
        ),
        "stellar_request_prefill_time_seconds": MetricDescription("Time from the first step to the first token.", buckets: requestBuckets),
        "stellar_request_decode_time_seconds": MetricDescription("Time from the first to the last token.", buckets: requestBuckets),
        "stellar_prompt_tokens_total": MetricDescription("Prompt tokens of finished requests."),
        "stellar_generation_tokens_total": MetricDescription("Tokens generated for finished requests."),
        "stellar_cached_prompt_tokens_total": MetricDescription("Prompt tokens that were found in the cache."),
        "stellar_requests_running": MetricDescription("Sequences that have a place in the batch."),
        "stellar_requests_paused": MetricDescription("Sequences that have left the batch until their reader has caught up."),
        "stellar_requests_waiting": MetricDescription("Requests in the queue."),
        "stellar_requests_rejected_total": MetricDescription("Requests that were not started, by reason."),
        "stellar_request_finished_total": MetricDescription("Generations that ended, by reason."),
        "stellar_kv_cache_usage_ratio": MetricDescription("Share of the cache blocks that are in use, 0 to 1."),
        "stellar_prefix_cache_queries_total": MetricDescription("Prompt tokens looked up in the prefix cache."),
        "stellar_prefix_cache_hits_total": MetricDescription("Prompt tokens found in the prefix cache."),
        "stellar_websocket_connections": MetricDescription("Open WebSocket connections."),
        "stellar_websocket_connections_total": MetricDescription("WebSocket connections opened since the start."),
        "stellar_websocket_messages_total": MetricDescription("WebSocket messages, in from clients and out to them."),
        "stellar_preemptions_total": MetricDescription("Sequences that gave up their place for a while because the cache was full."),
        "stellar_speculation_drafted_tokens_total": MetricDescription("Tokens that were guessed ahead."),
        "stellar_speculation_accepted_tokens_total": MetricDescription("Guessed tokens that were right."),
        "stellar_queue_capacity": MetricDescription("Most requests that may wait."),
        "process_cpu_seconds_total": MetricDescription("User and system CPU time of the process."),
        "process_resident_memory_bytes": MetricDescription("Resident memory of the process."),
        "process_virtual_memory_bytes": MetricDescription("Virtual memory of the process."),
        "process_open_fds": MetricDescription("Open file descriptors."),
        "process_max_fds": MetricDescription("Most file descriptors that the process may open."),
        "process_threads": MetricDescription("Threads of the process."),
        "process_start_time_seconds": MetricDescription("Start of the process in seconds since 1970."),
    ]
}
