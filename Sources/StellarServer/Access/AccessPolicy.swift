import HTTPTypes
import Hummingbird
import NIOCore
import StellarInference
import StellarProtocol

/// Who may use the server, and how much.
public struct AccessSettings: Sendable {
    /// `nil`: no keys are asked for.
    public var keys: KeyRing?
    public var allowedHosts: [String] = []
    public var trustedProxies: [NetworkRange] = []
    public var rateLimit: RateLimit?
    /// Whether `/metrics` needs no key.
    public var metricsArePublic = false

    public init() {}
}

/// The parts of a request that say who sends it.
struct Credentials {
    var keys: [String] = []
    var host: String?
    var forwarded: [String] = []
    var forwardedFor: [String] = []

    /// - Parameter isWebSocket: whether the query may have the key: browsers can't set headers of a WebSocket.
    init(_ request: Request, isWebSocket: Bool) {
        func header(_ name: String) -> [String] { HTTPField.Name(name).map { request.headers[values: $0] } ?? [] }
        let query = isWebSocket ? request.query : nil
        host = request.head.authority
        forwarded = header("forwarded")
        forwardedFor = header("x-forwarded-for")
        keys = header("authorization").compactMap(Self.bearer) + header("x-api-key") + [query?["api_key"]].compactMap { $0 }
    }

    /// Whether the request says by one name what it is sent to, as HTTP/1.1 demands (RFC 9112, 3.2).
    var hasOneHost: Bool {
        host.map { !$0.contains(",") } ?? false
    }

    /// The token of `Bearer TOKEN` (RFC 6750; the scheme in any case).
    private static func bearer(_ value: String) -> String? {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}

/// Decides who a caller is and what it may do. Thread contract: any thread.
struct AccessPolicy: Sendable {
    let keys: KeyRing?
    let limiter: RateLimiter?
    let metricsArePublic: Bool
    private let hosts: HostPolicy
    private let addresses: ClientAddress

    init(_ settings: AccessSettings, host: String) {
        keys = settings.keys
        limiter = settings.rateLimit.map { RateLimiter($0) }
        metricsArePublic = settings.metricsArePublic
        hosts = HostPolicy(allowed: settings.allowedHosts + [host])
        addresses = ClientAddress(trustedProxies: settings.trustedProxies)
    }

    /// - Throws: ``APIError`` 403 for a host that is not allowed where no keys are asked for.
    func identify(_ credentials: Credentials, peer: SocketAddress?) throws(APIError) -> Caller {
        let address = addresses.client(
            peer: peer?.ipAddress,
            forwarded: credentials.forwarded,
            forwardedFor: credentials.forwardedFor
        )
        guard let keys, keys.isRequired else {
            guard hosts.permits(credentials.host) else { throw .hostNotAllowed(credentials.host ?? "") }
            // Clients send dummy keys where none is needed. An admin's key can't be known then.
            return Caller(address: address)
        }
        for key in credentials.keys {
            guard var caller = keys.identify(key) else { continue }
            caller.address = address
            return caller
        }
        return Caller(address: address, isTrusted: false)
    }

    /// Takes one request out of the caller's allowance.
    func admit(_ caller: Caller) -> RateLimiter.Status? {
        limiter?.admit(caller.rateLimitKey)
    }

    /// Runs `operation`; tokens that replies use which it starts are taken out of the caller's allowance.
    func metering<Result>(_ caller: Caller, _ operation: () async throws -> Result) async rethrows -> Result {
        guard let limiter else { return try await operation() }
        let meter = TokenMeter(limiter: limiter, client: caller.rateLimitKey)
        return try await TokenMeter.$current.withValue(meter, operation: operation)
    }
}

extension Caller {
    /// The key, else the address.
    var rateLimitKey: String {
        if let keyID { return "key " + keyID }
        return "address " + (address.flatMap { NetworkAddress($0)?.group ?? $0 } ?? "unknown")
    }
}

extension APIError {
    static let hostIsMissing = APIError.invalidRequest("The request must have exactly one Host.", code: "bad_request")

    /// 429 with a time after which to come back.
    static func rateLimited(_ status: RateLimiter.Status) -> APIError {
        let limits = [
            status.limit.requests.map { "\($0) requests" }, status.limit.tokens.map { "\($0) tokens" },
        ].compactMap { $0 }.joined(separator: " and ")
        let seconds = Int((status.retryAfter ?? 1).rounded(.up))
        return APIError(
            status: 429,
            message: "The limit of \(limits) a minute is reached. Try again in \(seconds) s.",
            type: "rate_limit_error",
            code: "rate_limit_exceeded",
            retryAfter: max(1, seconds)
        )
    }
}

/// Charges a client for the tokens of the replies that run in the task it is the current one of.
final class TokenMeter: Sendable {
    @TaskLocal static var current: TokenMeter?

    private let limiter: RateLimiter
    private let client: String

    init(limiter: RateLimiter, client: String) {
        self.limiter = limiter
        self.client = client
    }

    func charge(_ tokens: Int) {
        limiter.charge(client, tokens: tokens)
    }
}

/// An observer that also tells the meter of the task in which a reply began: each generated token as it comes, the prompt at the end.
struct MeteringObserver: ChatObserver {
    let base: any ChatObserver
    private var meter: TokenMeter?

    init(base: any ChatObserver) {
        self.base = base
    }

    func forReply() -> any ChatObserver {
        var observer = self
        observer.meter = TokenMeter.current
        return observer
    }

    func observe(_ observation: ChatObservation, model: String?) {
        base.observe(observation, model: model)
        guard let meter else { return }
        switch observation {
        case .firstToken: meter.charge(1)
        case .tokens(let count, _): meter.charge(count)
        case .finished(let end, _): meter.charge(end.usage.promptTokens)
        default: break
        }
    }
}
