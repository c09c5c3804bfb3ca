import Foundation

/// The usual `process_*` gauges, read from `/proc` at each scrape. Where there is no `/proc`, they are absent.
package enum ProcessMetrics {
    /// What `/proc/self/stat` and its neighbours say.
    package struct Reading: Equatable {
        package var cpuSeconds: Double
        package var startTicks: Double
        package var virtualBytes: Double
        package var residentBytes: Double
        package var threads: Double
    }

    static func install(in registry: MetricRegistry) {
        #if os(Linux)
            let boot = bootTime()
            registry.onScrape { [unowned registry] in collect(into: registry, bootTime: boot) }
        #endif
    }

    #if os(Linux)
        private static var ticksPerSecond: Double { Double(max(sysconf(Int32(_SC_CLK_TCK)), 1)) }

        private static func collect(into registry: MetricRegistry, bootTime: Double?) {
            if let text = contents(of: "/proc/self/stat"),
                let reading = parse(stat: text, ticksPerSecond: ticksPerSecond, pageSize: Double(sysconf(Int32(_SC_PAGESIZE))))
            {
                let cpu = registry.counter("process_cpu_seconds_total")
                cpu.increment(by: reading.cpuSeconds - cpu.value)
                registry.gauge("process_resident_memory_bytes").set(reading.residentBytes)
                registry.gauge("process_virtual_memory_bytes").set(reading.virtualBytes)
                registry.gauge("process_threads").set(reading.threads)
                if let bootTime {
                    registry.gauge("process_start_time_seconds").set(bootTime + reading.startTicks / ticksPerSecond)
                }
            }
            if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
                registry.gauge("process_open_fds").set(Double(open))
            }
            var limit = rlimit()
            if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
                registry.gauge("process_max_fds").set(Double(limit.rlim_cur))
            }
        }

        private static func bootTime() -> Double? {
            contents(of: "/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
        }

        /// Files of `/proc` have no length: they are read to their end.
        private static func contents(of path: String) -> String? {
            guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.readToEnd() else { return nil }
            return String(decoding: data, as: UTF8.self)
        }
    #endif

    /// The fields of `/proc/self/stat` (proc(5)), counted from behind the program's name, which may hold spaces and brackets.
    package static func parse(stat text: String, ticksPerSecond: Double, pageSize: Double) -> Reading? {
        guard let bracket = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: bracket)...].split(separator: " ")
        // The first field after the name is number 3 of the manual.
        func field(_ number: Int) -> Double? {
            let index = number - 3
            return fields.indices.contains(index) ? Double(fields[index].trimmingCharacters(in: .whitespacesAndNewlines)) : nil
        }
        guard let user = field(14), let system = field(15), let threads = field(20), let start = field(22),
            let virtual = field(23), let resident = field(24)
        else { return nil }
        return Reading(
            cpuSeconds: (user + system) / ticksPerSecond,
            startTicks: start,
            virtualBytes: virtual,
            residentBytes: resident * pageSize,
            threads: threads
        )
    }
}
