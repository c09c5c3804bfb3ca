import Foundation
import StellarProtocol

/// Which names a browser may have reached an open server by.
///
/// Without a key, being reachable is all it takes. A web page can let a name of its own domain point to this machine (DNS rebinding) and is
/// then of the same origin as the server. Such a name is never one of those allowed here: loopback names, addresses, names without a dot
/// (no public domain is one), this machine's own name, and what the settings list.
package struct HostPolicy: Sendable {
    private let allowed: Set<String>
    private let suffixes: [String]
    private let allowsAll: Bool

    /// - Parameter allowed: host names; `*.example.com` for all below a domain, `*` for all.
    package init(allowed: [String]) {
        let names = (allowed + ["localhost", Self.machineName, Self.machineName + ".local"]).map { $0.lowercased() }
        self.allowed = Set(names)
        suffixes = names.filter { $0.hasPrefix("*.") }.map { String($0.dropFirst()) }
        allowsAll = names.contains("*")
    }

    /// - Parameter host: the request's `Host`; absent in HTTP/1.0, which no browser speaks.
    package func permits(_ host: String?) -> Bool {
        guard !allowsAll, let host else { return true }
        let name = Self.name(of: host)
        if name.isEmpty || !name.contains(".") || NetworkAddress(name) != nil { return true }
        return allowed.contains(name) || name.hasSuffix(".localhost") || suffixes.contains(where: name.hasSuffix)
    }

    /// Without port, brackets and the root's dot.
    private static func name(of host: String) -> String {
        let host = host.lowercased()
        if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
        let name = host.prefix { $0 != ":" }
        return String(name.hasSuffix(".") ? name.dropLast() : name)
    }

    private static let machineName: String = {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}

extension APIError {
    /// 403: reached by a name that is not allowed.
    static func hostNotAllowed(_ host: String) -> APIError {
        APIError(
            status: 403,
            message: "This server does not answer to the name \(host.prefix(256)). ALLOWED_HOSTS can allow it, or set an API key.",
            code: "host_not_allowed"
        )
    }
}
