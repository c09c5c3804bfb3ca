import Foundation
import Metrics
import StellarServer
import Testing

@Suite("Metric registry")
struct MetricRegistryTests {
    @Test("Families and series come in sorted order with help, type and escaped labels")
    func rendering() {
        let registry = MetricRegistry(catalogue: ["b_total": MetricDescription("Bs\nof \\ all.")])
        registry.counter("b_total", [("z", "1"), ("a", "quote \" slash \\ line \n")]).increment(by: 2.0)
        registry.gauge("a_gauge").set(1.5)
        #expect(
            registry.render() == """
                # HELP a_gauge Reported by a library under the name a_gauge.
                # TYPE a_gauge gauge
                a_gauge 1.5
                # HELP b_total Bs\\nof \\\\ all.
                # TYPE b_total counter
                b_total{a="quote \\" slash \\\\ line \\n",z="1"} 2

                """
        )
    }

    @Test("Labels in another order are the same series")
    func labelOrder() {
        let registry = MetricRegistry()
        registry.counter("c_total", [("a", "1"), ("b", "2")]).increment(by: 1.0)
        registry.counter("c_total", [("b", "2"), ("a", "1")]).increment(by: 1.0)
        #expect(registry.render().contains(#"c_total{a="1",b="2"} 2"#))
    }

    @Test("A histogram counts an observation in every bucket from its own up")
    func histogram() {
        let registry = MetricRegistry(catalogue: ["h_seconds": MetricDescription("H.", buckets: [1, 0.5, 2])])
        let histogram = registry.histogram("h_seconds", [("l", "x")])
        for value in [0.1, 0.5, 0.7, 2, 9, .nan] { histogram.observe(value) }
        #expect(histogram.bounds == [0.5, 1, 2])
        #expect(histogram.snapshot.cumulative == [2, 3, 4, 5])
        #expect(registry.render().contains(#"h_seconds_bucket{l="x",le="+Inf"} 5"#))
        #expect(registry.render().contains(#"h_seconds_count{l="x"} 5"#))
    }

    @Test("A name that stands for another kind gives a detached instrument and no crash")
    func conflict() {
        let registry = MetricRegistry()
        registry.counter("x_total").increment(by: 1.0)
        registry.gauge("x_total").set(99.0)
        #expect(registry.render().contains("x_total 1\n"))
        #expect(!registry.render().contains("99"))
    }

    @Test("Counters only grow")
    func counters() {
        let counter = MetricRegistry().counter("n_total")
        counter.increment(by: 3.0)
        counter.increment(by: -1.0)
        counter.increment(by: Double.infinity)
        #expect(counter.value == 3)
    }

    @Test("Names become what Prometheus allows", arguments: [("a.b-c", "a_b_c"), ("9x", "_9x"), ("", "_"), ("é", "_"), ("ok:x", "ok:x")])
    func names(name: String, expected: String) {
        #expect(MetricName.sanitised(name) == expected)
    }

    @Test("What swift-metrics reports arrives, and leaves again when it is destroyed")
    func factory() {
        let registry = MetricRegistry()
        let factory = RegistryMetricsFactory(registry: registry)
        let counter = Counter(label: "lib.requests", dimensions: [("k", "v")], factory: factory)
        counter.increment(by: 2)
        Metrics.Timer(label: "lib.time", dimensions: [], preferredDisplayUnit: .seconds, factory: factory).recordNanoseconds(-5)
        Gauge(label: "lib.gauge", factory: factory).record(4)
        Recorder(label: "lib.sizes", factory: factory).record(3)
        Meter(label: "lib.meter", factory: factory).increment(by: 2)
        let text = registry.render()
        #expect(text.contains(#"lib_requests{k="v"} 2"#))
        #expect(text.contains("lib_gauge 4"))
        #expect(text.contains("lib_sizes_count 1"))
        #expect(text.contains("lib_meter 2"))
        #expect(text.contains("lib_time_count 1"))
        counter.destroy()
        #expect(!registry.render().contains("lib_requests"))
    }

    @Test("The process's own figures are read whatever its name is")
    func processFigures() throws {
        let stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 6 0 1000 4096 3 1 2 3\n"
        let reading = try #require(ProcessMetrics.parse(stat: stat, ticksPerSecond: 100, pageSize: 4096))
        #expect(reading.cpuSeconds == 2)
        #expect(reading.threads == 6)
        #expect(reading.startTicks == 1000)
        #expect(reading.virtualBytes == 4096)
        #expect(reading.residentBytes == 3 * 4096)
        #expect(ProcessMetrics.parse(stat: "12 (a) S 1", ticksPerSecond: 100, pageSize: 4096) == nil)
    }
}
