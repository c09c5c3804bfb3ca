import Foundation

/// Which web pages may use the API from a browser.
///
/// A page of the server itself always may. Requests without `Origin` come from other programs and are none of this policy's business.
public struct OriginPolicy: Sendable, Equatable {
    /// Origins as browsers send them (`https://chat.example`, no path), or `*` for all.
    public var allowed: [String]

    public init(allowed: [String]) {
        self.allowed = allowed
    }

    /// Whether the origin is on the list.
    func lists(_ origin: String) -> Bool {
        allowed.contains("*") || allowed.contains { $0.lowercased() == origin.lowercased() }
    }

    /// Whether a request from `origin` is answered: it is listed, or its page was served under the host that is asked now.
    ///
    /// - Parameter hosts: The request's `Host` and, behind a proxy, `X-Forwarded-Host` (a web page can't set either).
    package func permits(_ origin: String?, hosts: [String]) -> Bool {
        guard let origin else { return true }
        if lists(origin) { return true }
        guard let separator = origin.range(of: "://") else { return false }
        let authority = origin[separator.upperBound...].lowercased()
        return hosts.contains { Self.matches(authority, host: $0.lowercased(), scheme: origin[..<separator.lowerBound].lowercased()) }
    }

    /// Default ports may be left out on either side.
    private static func matches(_ authority: String, host: String, scheme: String) -> Bool {
        let port = scheme == "https" ? ":443" : ":80"
        return authority == host || authority + port == host || authority == host + port
    }

    /// Whether `text` has the form of an origin: scheme, host and optional port, nothing else.
    package static func isOrigin(_ text: String) -> Bool {
        guard let url = URLComponents(string: text), let scheme = url.scheme, !scheme.isEmpty, let host = url.host, !host.isEmpty else {
            return false
        }
        return url.path.isEmpty && url.query == nil && url.fragment == nil && url.user == nil && url.password == nil
    }
}
