import Foundation

/// What the process may use of the machine.
enum MachineTopology {
    /// Physical cores that affinity and the cgroup's CPU quota leave to this process; at least 1.
    ///
    /// Two hardware threads of one core share its vector units, so a second compute thread there slows both down.
    static var usableCores: Int {
        #if os(Linux)
        let cpus = allowedCPUs()
        let cores = Set(cpus.map { siblings(of: $0) }).count
        let limit = cpuQuota().map { max(1, Int($0.rounded(.up))) } ?? .max
        return max(1, min(cores > 0 ? cores : ProcessInfo.processInfo.activeProcessorCount, limit))
        #else
        return max(1, ProcessInfo.processInfo.activeProcessorCount)
        #endif
    }

    /// Bytes of memory that the process may use: the machine's, or the cgroup's limit if that is lower.
    static var usableMemory: Int {
        let physical = Int(clamping: ProcessInfo.processInfo.physicalMemory)
        #if os(Linux)
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
            .compactMap { firstLine($0).flatMap { Int($0) } }
        return min(physical, limits.filter { $0 > 0 }.min() ?? physical)
        #else
        return physical
        #endif
    }

    /// The CPUs of a list in the kernel's notation, for example `0-3,8`.
    package static func parseCPUList(_ text: String) -> [Int] {
        text.split(separator: ",").flatMap { part -> [Int] in
            let bounds = part.split(separator: "-").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
            guard let first = bounds.first, let last = bounds.last, first <= last, last < 1 << 16 else { return [] }
            return Array(first...last)
        }
    }

    #if os(Linux)
    private static func allowedCPUs() -> [Int] {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let prefix = "Cpus_allowed_list:"
        let line = status.split(separator: "\n").first { $0.hasPrefix(prefix) }
        return line.map { parseCPUList(String($0.dropFirst(prefix.count))) } ?? []
    }

    /// The hardware threads of the core that `cpu` belongs to, as the kernel writes them; the CPU's own number where it does not say.
    private static func siblings(of cpu: Int) -> String {
        firstLine("/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list") ?? String(cpu)
    }

    /// CPUs' worth of time per period (cgroup v2 `cpu.max`, v1 `cfs_quota_us`), or `nil` if unlimited.
    private static func cpuQuota() -> Double? {
        if let line = firstLine("/sys/fs/cgroup/cpu.max") {
            let parts = line.split(separator: " ").compactMap { Double($0) }
            return parts.count == 2 && parts[1] > 0 ? parts[0] / parts[1] : nil
        }
        guard let quota = firstLine("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").flatMap({ Double($0) }), quota > 0,
            let period = firstLine("/sys/fs/cgroup/cpu/cpu.cfs_period_us").flatMap({ Double($0) }), period > 0
        else { return nil }
        return quota / period
    }

    private static func firstLine(_ path: String) -> String? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return text.split(separator: "\n", omittingEmptySubsequences: false).first.map { $0.trimmingCharacters(in: .whitespaces) }
    }
    #endif
}
