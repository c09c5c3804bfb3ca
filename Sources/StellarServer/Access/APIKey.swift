internal import Crypto
internal import Foundation
import StellarProtocol

/// A key as it is kept: a salted hash, from which it can't be had back.
///
/// Keys that the server makes have 238 random bits, so nobody can try them all, and a slow hash, as passwords need, would only cost time.
/// The hash is HMAC-SHA256 (RFC 2104) with a random salt as its key.
package struct HashedKey: Sendable, Equatable {
    package var salt: [UInt8]
    package var hash: [UInt8]

    package init(salt: [UInt8], hash: [UInt8]) {
        self.salt = salt
        self.hash = hash
    }

    package init(hashing key: String) {
        salt = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        hash = Self.code(of: key, salt: salt)
    }

    /// Compares in constant time.
    package func matches(_ key: String) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(hash, authenticating: Data(key.utf8), using: SymmetricKey(data: salt))
    }

    static func code(of text: String, salt: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: salt)))
    }
}

/// A key of the settings.
public struct ConfiguredKey: Sendable, Equatable {
    public var key: String
    public var isAdmin: Bool

    public init(_ key: String, isAdmin: Bool = false) {
        self.key = key
        self.isAdmin = isAdmin
    }

    /// 8 to 256 printable characters of ASCII without spaces: what fits into a header.
    public static func isValid(_ key: String) -> Bool {
        (8...256).contains(key.utf8.count) && key.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ",") }
    }

    /// Reads a file of one key a line. `admin` may follow a key; empty lines and what follows `#` do not count.
    ///
    /// - Returns: The keys, and the numbers of lines that are wrong.
    public static func parse(file text: String) -> (keys: [ConfiguredKey], wrongLines: [Int]) {
        var keys: [ConfiguredKey] = []
        var wrong: [Int] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.isEmpty { continue }
            if words.count <= 2, isValid(words[0]), words.count == 1 || words[1] == "admin" {
                keys.append(ConfiguredKey(words[0], isAdmin: words.count == 2))
            } else {
                wrong.append(index + 1)
            }
        }
        return (keys, wrong)
    }
}

/// A key that was made at run time, as the API shows it. Times are Unix milliseconds.
public struct APIKeyObject: Codable, Sendable, Equatable {
    public var id: String
    public var object = "api_key"
    public var name: String
    public var admin: Bool
    public var active: Bool
    public var createdAt: Int
    /// The key itself: in the answer to its creation, and never again.
    public var key: String?

    enum CodingKeys: String, CodingKey {
        case id, object, name, admin, active, key
        case createdAt = "created_at"
    }
}

/// The body of `POST /api/api-keys`.
public struct NewAPIKey: Codable, Sendable, Equatable {
    public var name: String?
    public var admin: Bool?

    public init(name: String? = nil, admin: Bool? = nil) {
        self.name = name
        self.admin = admin
    }
}

extension APIError {
    /// 401, before anything else is said about a request.
    static let missingKey = APIError.invalidAPIKey(
        "You didn't provide an API key. Send it in a header, as 'Authorization: Bearer YOUR_KEY'; for a WebSocket also as ?api_key=YOUR_KEY."
    )
    static let wrongKey = APIError.invalidAPIKey("Incorrect API key provided, or one that is not active.")

    static let adminOnly = APIError(
        status: 403,
        message: "Only an admin key may do this. ADMIN_API_KEY or 'stellarchatd keys create-admin' makes one.",
        code: "admin_key_required"
    )
}
