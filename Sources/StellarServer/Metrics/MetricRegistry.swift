public import Logging
import Metrics
import Synchronization

/// All series of the process, and their text for a scrape.
///
/// Thread contract: everything may be called from any thread. Instruments are looked up under one lock; recording takes only the
/// instrument's own.
public final class MetricRegistry: Sendable {
    /// Bounds of a histogram that the catalogue does not know, in seconds.
    public static let defaultBuckets: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

    private struct Family {
        let kind: MetricKind
        let help: String
        let buckets: [Double]
        var series: [String: any Sendable & AnyObject] = [:]
    }

    private let catalogue: [String: MetricDescription]
    private let logger: Logger
    private let families = Mutex<[String: Family]>([:])
    private let collectors = Mutex<[@Sendable () -> Void]>([])

    /// - Parameters:
    ///   - catalogue: Help texts and buckets by name. A name that it lacks gets a general text.
    ///   - logger: Told about conflicting definitions.
    public init(catalogue: [String: MetricDescription] = [:], logger: Logger = Logger(label: "stellar.metrics")) {
        self.catalogue = catalogue
        self.logger = logger
    }

    /// Runs `collect` before every scrape, to set gauges of values that are kept elsewhere.
    public func onScrape(_ collect: @escaping @Sendable () -> Void) {
        collectors.withLock { $0.append(collect) }
    }

    package func counter(_ name: String, _ labels: [(String, String)] = []) -> CounterInstrument {
        instrument(name, labels, kind: .counter) { _ in CounterInstrument() }
    }

    package func gauge(_ name: String, _ labels: [(String, String)] = []) -> GaugeInstrument {
        instrument(name, labels, kind: .gauge) { _ in GaugeInstrument() }
    }

    package func histogram(_ name: String, _ labels: [(String, String)] = []) -> HistogramInstrument {
        instrument(name, labels, kind: .histogram) { HistogramInstrument(bounds: $0) }
    }

    /// The instrument of a series, made on first use. If the name already stands for another kind, the conflict is logged and a detached
    /// instrument is returned: recording to it is harmless and shows nowhere.
    private func instrument<Instrument: AnyObject & Sendable>(
        _ name: String,
        _ labels: [(String, String)],
        kind: MetricKind,
        make: ([Double]) -> Instrument
    ) -> Instrument {
        let name = MetricName.sanitised(name)
        let key = MetricName.renderedLabels(labels)
        let found: Instrument? = families.withLock { families in
            var family = families[name] ?? newFamily(name, kind)
            guard family.kind == kind else { return nil }
            if let existing = family.series[key] { return existing as? Instrument }
            let created = make(family.buckets)
            family.series[key] = created
            families[name] = family
            return created
        }
        if let found { return found }
        logger.error("Metric is defined twice with different kinds; the second one is not exported", metadata: ["metric": "\(name)"])
        return make(Self.defaultBuckets)
    }

    private func newFamily(_ name: String, _ kind: MetricKind) -> Family {
        let description = catalogue[name]
        return Family(
            kind: kind,
            help: description?.help ?? "Reported by a library under the name \(name).",
            buckets: description?.buckets ?? Self.defaultBuckets
        )
    }

    /// Takes a series out of the registry.
    func remove(_ instrument: AnyObject) {
        families.withLock { families in
            for (name, family) in families {
                guard let key = family.series.first(where: { $0.value === instrument })?.key else { continue }
                families[name]?.series[key] = nil
                return
            }
        }
    }

    /// The scrape answer in the Prometheus text format, version 0.0.4: families and series in sorted order.
    public func render() -> String {
        for collect in collectors.withLock({ $0 }) { collect() }
        let families = self.families.withLock { $0 }
        var text = String()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
            text += "# HELP \(name) \(MetricName.escapedHelp(family.help))\n# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, instrument) in family.series.sorted(by: { $0.key < $1.key }) {
                MetricText.append(instrument, name: name, labels: labels, to: &text)
            }
        }
        return text
    }
}

/// Samples in the Prometheus text format.
enum MetricText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func append(_ instrument: any Sendable & AnyObject, name: String, labels: String, to text: inout String) {
        switch instrument {
        case let counter as CounterInstrument: text += "\(name)\(labels) \(format(counter.value))\n"
        case let gauge as GaugeInstrument: text += "\(name)\(labels) \(format(gauge.value))\n"
        case let histogram as HistogramInstrument: append(histogram, name: name, labels: labels, to: &text)
        default: break
        }
    }

    private static func append(_ histogram: HistogramInstrument, name: String, labels: String, to text: inout String) {
        let snapshot = histogram.snapshot
        let bounds = histogram.bounds.map(format) + ["+Inf"]
        for (bound, count) in zip(bounds, snapshot.cumulative) {
            text += "\(name)_bucket\(adding(bound: bound, to: labels)) \(count)\n"
        }
        text += "\(name)_sum\(labels) \(format(snapshot.sum))\n"
        text += "\(name)_count\(labels) \(snapshot.cumulative.last ?? 0)\n"
    }

    private static func adding(bound: String, to labels: String) -> String {
        labels.isEmpty ? "{le=\"\(bound)\"}" : labels.dropLast() + ",le=\"\(bound)\"}"
    }

    static func format(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if let integer = Int64(exactly: value) { return String(integer) }
        return String(value)
    }
}
