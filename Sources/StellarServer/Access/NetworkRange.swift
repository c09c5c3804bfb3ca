import Foundation

/// An IPv4 or IPv6 address.
public struct NetworkAddress: Sendable, Hashable {
    /// 4 or 16 bytes.
    let bytes: [UInt8]

    /// Reads an address as people and headers write it: with or without brackets and a zone. IPv4 inside IPv6 (`::ffff:1.2.3.4`) is IPv4.
    public init?(_ text: some StringProtocol) {
        var text = String(text)
        if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
        if let zone = text.firstIndex(of: "%") { text = String(text[..<zone]) }
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            let all = withUnsafeBytes(of: six) { Array($0) }
            let isMapped = all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
            bytes = isMapped ? Array(all[12...]) : all
        } else {
            return nil
        }
    }

    /// What one user of the network has: the address, of IPv6 the first 64 bits.
    var group: String {
        bytes.prefix(bytes.count == 4 ? 4 : 8).map { String($0, radix: 16) }.joined(separator: ".")
    }
}

/// A range of addresses: `10.0.0.0/8`, `::1`, `fd00::/8` (RFC 4632, RFC 4291).
public struct NetworkRange: Sendable, Equatable {
    private let address: NetworkAddress
    private let prefixLength: Int

    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = NetworkAddress(parts[0]) else { return nil }
        let bits = address.bytes.count * 8
        guard let length = parts.count == 1 ? bits : Int(parts[1]), (0...bits).contains(length) else { return nil }
        self.address = address
        prefixLength = length
    }

    public func contains(_ other: NetworkAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        return zip(address.bytes, other.bytes).enumerated().allSatisfy { index, pair in
            let bits = min(max(prefixLength - index * 8, 0), 8)
            return bits == 0 || pair.0 >> (8 - bits) == pair.1 >> (8 - bits)
        }
    }
}

/// Which address a request comes from, where proxies may stand in between.
public struct ClientAddress: Sendable {
    private let trustedProxies: [NetworkRange]

    public init(trustedProxies: [NetworkRange]) {
        self.trustedProxies = trustedProxies
    }

    /// The peer, unless it is a trusted proxy: then the last address in its headers that is none. What stands before that in the headers
    /// anyone may have written.
    ///
    /// - Parameters:
    ///   - forwarded: `Forwarded` (RFC 7239); counts where it is there.
    ///   - forwardedFor: `X-Forwarded-For`.
    public func client(peer: String?, forwarded: [String], forwardedFor: [String]) -> String? {
        guard let peer, let address = NetworkAddress(peer), isTrusted(address) else { return peer }
        let hops = forwarded.isEmpty ? Self.list(forwardedFor) : Self.forwardedHops(forwarded)
        for hop in hops.reversed() {
            // An obfuscated or unknown hop ends what can be relied on.
            guard let address = NetworkAddress(Self.withoutPort(hop)) else { return peer }
            if !isTrusted(address) { return Self.withoutPort(hop) }
        }
        return peer
    }

    private func isTrusted(_ address: NetworkAddress) -> Bool {
        trustedProxies.contains { $0.contains(address) }
    }

    private static func list(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func forwardedHops(_ values: [String]) -> [String] {
        list(values).map { element in
            let pairs = element.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
            let hop = pairs.first { $0.lowercased().hasPrefix("for=") }?.dropFirst(4) ?? ""
            return hop.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
        }
    }

    /// `1.2.3.4:80` and `[::1]:80` without the port; an IPv6 address without brackets as it is.
    private static func withoutPort(_ text: String) -> String {
        if text.hasPrefix("[") { return String(text.dropFirst().prefix { $0 != "]" }) }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 ? String(parts[0]) : text
    }
}
