import Foundation
import StellarInference
import Synchronization

/// How much a key, or without keys an address, may ask for in a minute.
public struct RateLimit: Sendable, Equatable {
    public var requests: Int?
    /// Prompt and reply tokens together.
    public var tokens: Int?

    public init(requests: Int? = nil, tokens: Int? = nil) {
        self.requests = requests
        self.tokens = tokens
    }

    /// Reads `requests=60,tokens=20000`; either may be left out.
    public init?(_ text: String) {
        self.init()
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=").map { $0.trimmingCharacters(in: .whitespaces) }
            guard pair.count == 2, let number = Int(pair[1]), (1...1_000_000_000).contains(number) else { return nil }
            switch pair[0] {
            case "requests" where requests == nil: requests = number
            case "tokens" where tokens == nil: tokens = number
            default: return nil
            }
        }
        guard self != RateLimit() else { return nil }
    }
}

/// Token buckets: each holds a minute's allowance and is filled steadily.
///
/// A request is admitted while its bucket of tokens is not empty, and what it used is taken out afterwards, below zero where need be: how
/// long a reply will be is not known before. Memory is bounded: buckets that are full are forgotten, and when there are too many others,
/// newcomers share one. Thread contract: any thread.
package final class RateLimiter: Sendable {
    /// What a client is told about its allowance.
    package struct Status: Sendable, Equatable {
        package var limit: RateLimit
        package var remainingRequests = 0
        package var remainingTokens = 0
        /// Seconds until the bucket is full again.
        package var requestsReset = 0.0
        package var tokensReset = 0.0
        /// Seconds after which the next request will be admitted; `nil`: this one was.
        package var retryAfter: Double?
    }

    private struct Bucket {
        var level: Double
        let capacity: Double

        init(_ capacity: Int?) {
            self.capacity = Double(capacity ?? 0)
            level = self.capacity
        }

        var isFull: Bool { level >= capacity }
        var secondsToFull: Double { max(0, capacity - level) / max(capacity, 1) * 60 }

        mutating func fill(seconds: Double) {
            level = min(capacity, level + seconds * capacity / 60)
        }

        func seconds(until wanted: Double) -> Double {
            max(0, wanted - level) / max(capacity, 1) * 60
        }
    }

    private struct Account {
        var requests: Bucket
        var tokens: Bucket
        var time: ContinuousClock.Instant

        mutating func fill(_ now: ContinuousClock.Instant) {
            let seconds = max(0, (now - time).seconds)
            time = max(time, now)
            requests.fill(seconds: seconds)
            tokens.fill(seconds: seconds)
        }
    }

    private struct State {
        var accounts: [String: Account] = [:]
        var lastPurge: ContinuousClock.Instant?
    }

    private static let shared = ""

    private let limit: RateLimit
    private let capacity: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// - Parameters:
    ///   - capacity: most clients that are told apart.
    ///   - now: a clock that does not jump.
    package init(
        _ limit: RateLimit,
        capacity: Int = 10_000,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.limit = limit
        self.capacity = capacity
        self.now = now
    }

    /// Takes one request out of the client's allowance, unless it is used up.
    package func admit(_ client: String) -> Status {
        with(client) { account in
            let missing = max(
                limit.requests == nil ? 0 : account.requests.seconds(until: 1),
                // A whole token: a wait of no length would be refused again.
                limit.tokens == nil || account.tokens.level > 0 ? 0 : account.tokens.seconds(until: 1)
            )
            if missing == 0 { account.requests.level -= 1 }
            var status = Status(limit: limit)
            status.remainingRequests = Int(max(0, account.requests.level))
            status.remainingTokens = Int(max(0, account.tokens.level))
            status.requestsReset = account.requests.secondsToFull
            status.tokensReset = account.tokens.secondsToFull
            status.retryAfter = missing > 0 ? missing : nil
            return status
        }
    }

    /// Takes tokens that a client has used.
    package func charge(_ client: String, tokens: Int) {
        guard limit.tokens != nil, tokens > 0 else { return }
        with(client) { $0.tokens.level -= Double(tokens) }
    }

    /// How many clients are remembered.
    package var clientCount: Int { state.withLock { $0.accounts.count } }

    private func with<Result: Sendable>(_ client: String, _ action: (inout Account) -> Result) -> Result {
        let now = self.now()
        return state.withLock { state in
            let key = place(for: client, now, in: &state)
            var account =
                state.accounts[key] ?? Account(requests: Bucket(limit.requests), tokens: Bucket(limit.tokens), time: now)
            account.fill(now)
            let result = action(&account)
            state.accounts[key] = account
            return result
        }
    }

    private func place(for client: String, _ now: ContinuousClock.Instant, in state: inout State) -> String {
        guard state.accounts[client] == nil, state.accounts.count >= capacity else { return client }
        if state.lastPurge.map({ now - $0 >= .seconds(1) }) ?? true {
            state.lastPurge = now
            state.accounts = state.accounts.filter { _, account in
                var account = account
                account.fill(now)
                return !account.requests.isFull || !account.tokens.isFull
            }
        }
        return state.accounts.count < capacity ? client : Self.shared
    }
}

extension RateLimiter.Status {
    /// The headers of the OpenAI API (https://platform.openai.com/docs/guides/rate-limits, "Rate limits in headers").
    var headers: [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        if let requests = limit.requests {
            headers.append(("x-ratelimit-limit-requests", String(requests)))
            headers.append(("x-ratelimit-remaining-requests", String(remainingRequests)))
            headers.append(("x-ratelimit-reset-requests", Self.duration(requestsReset)))
        }
        if let tokens = limit.tokens {
            headers.append(("x-ratelimit-limit-tokens", String(tokens)))
            headers.append(("x-ratelimit-remaining-tokens", String(remainingTokens)))
            headers.append(("x-ratelimit-reset-tokens", Self.duration(tokensReset)))
        }
        return headers
    }

    /// `120ms`, `1.5s`, `6m0s`.
    package static func duration(_ seconds: Double) -> String {
        if seconds < 1 { return "\(Int((seconds * 1000).rounded(.up)))ms" }
        let whole = Int(min(seconds, 1e9).rounded(.up))
        return whole < 60 ? "\(whole)s" : "\(whole / 60)m\(whole % 60)s"
    }
}
