public import Metrics

/// Lets everything that reports through swift-metrics report to a ``MetricRegistry``.
///
/// Counters become counters, meters and plain recorders (gauges) become gauges, aggregating recorders and timers become histograms
/// (timers in seconds).
public struct RegistryMetricsFactory: MetricsFactory {
    private let registry: MetricRegistry

    public init(registry: MetricRegistry) {
        self.registry = registry
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        registry.counter(label, dimensions)
    }

    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        registry.counter(label, dimensions)
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        registry.gauge(label, dimensions)
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate ? registry.histogram(label, dimensions) : registry.gauge(label, dimensions)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        registry.histogram(label, dimensions)
    }

    public func destroyCounter(_ handler: any CounterHandler) { registry.remove(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { registry.remove(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { registry.remove(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { registry.remove(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { registry.remove(handler) }
}
