import Crypto
import Foundation
import HTTPTypes
package import NIOHTTP1

/// The opening handshake of RFC 6455, section 4.2.
package enum WebSocketHandshake {
    /// What a request to a WebSocket path is.
    enum Verdict: Equatable, Sendable {
        case valid
        /// A plain request, or an offer that is not a handshake.
        case notAnUpgrade
        case badVersion
        case badKey
    }

    static let version = "13"

    /// Judges a request that has reached the router, where `Upgrade` has been taken out if it was not valid.
    static func judge(_ headers: HTTPFields) -> Verdict {
        judge(versions: headers[values: .secWebSocketVersion], keys: headers[values: .secWebSocketKey])
    }

    /// Whether the request is a handshake that can be granted: `GET`, no body, `Upgrade: websocket`, `Connection: Upgrade`, version 13 and
    /// a key of 16 bytes.
    package static func isValid(_ head: HTTPRequestHead) -> Bool {
        guard head.method == .GET, !head.isHTTP10, !hasBody(head.headers),
            head.headers[canonicalForm: "upgrade"].contains(where: { $0.lowercased() == "websocket" }),
            head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "upgrade" })
        else { return false }
        return judge(versions: head.headers["sec-websocket-version"], keys: head.headers["sec-websocket-key"]) == .valid
    }

    /// The answer to a client's key (RFC 6455, 4.2.2).
    static func accept(key: String) -> String {
        let text = key.trimmingCharacters(in: .whitespaces) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        return Data(Insecure.SHA1.hash(data: Data(text.utf8))).base64EncodedString()
    }

    private static func judge(versions: [String], keys: [String]) -> Verdict {
        guard !versions.isEmpty || !keys.isEmpty else { return .notAnUpgrade }
        guard versions == [version] else { return .badVersion }
        guard keys.count == 1, Data(base64Encoded: keys[0])?.count == 16 else { return .badKey }
        return .valid
    }

    private static func hasBody(_ headers: HTTPHeaders) -> Bool {
        headers.contains(name: "transfer-encoding") || headers["content-length"].contains { $0 != "0" }
    }
}
