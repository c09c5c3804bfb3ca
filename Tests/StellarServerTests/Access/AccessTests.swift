import StellarServer
import Synchronization
import Testing

@Suite("Access")
struct AccessTests {
    @Test(
        "Ranges hold the addresses below them",
        arguments: [
            ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.128/25", "192.0.2.127", false),
            ("192.0.2.128/25", "192.0.2.129", true), ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.2", false),
            ("fd00::/8", "fd12::1", true), ("::1", "::1", true), ("::/0", "1.2.3.4", false), ("0.0.0.0/0", "::ffff:1.2.3.4", true),
        ]
    )
    func ranges(range: String, address: String, isInside: Bool) throws {
        let range = try #require(NetworkRange(range))
        #expect(range.contains(try #require(NetworkAddress(address))) == isInside)
    }

    @Test(
        "What is no range is refused",
        arguments: ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "a", "::1/129", "1.2.3/8", "1.2.3.4/8/8"]
    )
    func wrongRanges(text: String) {
        #expect(NetworkRange(text) == nil)
    }

    @Test(
        "Only what a trusted proxy says is believed",
        arguments: [
            ("1.2.3.4", ["9.9.9.9"], "1.2.3.4"), ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"), ("10.0.0.1", ["8.8.8.8, 9.9.9.9"], "9.9.9.9"),
            ("10.0.0.1", ["9.9.9.9, 10.0.0.2"], "9.9.9.9"), ("10.0.0.1", ["9.9.9.9", "10.0.0.2:80"], "9.9.9.9"),
            ("10.0.0.1", ["junk"], "10.0.0.1"), ("10.0.0.1", [], "10.0.0.1"), ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ] as [(String, [String], String)]
    )
    func proxies(peer: String, header: [String], client: String) throws {
        let addresses = ClientAddress(trustedProxies: [try #require(NetworkRange("10.0.0.0/8"))])
        #expect(addresses.client(peer: peer, forwarded: [], forwardedFor: header) == client)
    }

    @Test("Forwarded is read as RFC 7239 has it")
    func forwarded() throws {
        let addresses = ClientAddress(trustedProxies: [try #require(NetworkRange("10.0.0.0/8"))])
        let header = [#"for=192.0.2.43;proto=http, FOR="[2001:db8:cafe::17]:4711";by=203.0.113.60"#]
        #expect(addresses.client(peer: "10.0.0.1", forwarded: header, forwardedFor: ["1.1.1.1"]) == "2001:db8:cafe::17")
    }

    @Test("Names that a page of elsewhere could have are not permitted")
    func hosts() {
        let policy = HostPolicy(allowed: ["chat.example", "*.lan.example"])
        for host in ["localhost:80", "127.0.0.1", "[::1]:8080", "box", "CHAT.example:1", "a.lan.example", "app.localhost", "localhost."] {
            #expect(policy.permits(host))
        }
        for host in ["evil.example", "lan.example", "127.0.0.1.evil.example", "chat.example.evil.example", "1.2.3.4.5"] {
            #expect(!policy.permits(host))
        }
        #expect(HostPolicy(allowed: ["*"]).permits("evil.example"))
    }

    @Test("A hash fits its key alone, and two hashes of one key differ")
    func hashes() {
        let one = HashedKey(hashing: "sk-key")
        let two = HashedKey(hashing: "sk-key")
        #expect(one.matches("sk-key") && two.matches("sk-key"))
        #expect(!one.matches("sk-kez") && !one.matches("") && !one.matches("sk-key "))
        #expect(one != two && one.hash.count == 32)
    }

    @Test("A file of keys has comments, admins and lines that are wrong")
    func keyFile() {
        let (keys, wrong) = ConfiguredKey.parse(file: "# c\nfirst-key\r\n\n second-key admin # x\nshort\nthird-key user\n")
        #expect(keys == [ConfiguredKey("first-key"), ConfiguredKey("second-key", isAdmin: true)])
        #expect(wrong == [5, 6])
    }

    @Test("Deleting the last key of the database does not open the server")
    func lastKey() async throws {
        let storage = try TestStorage()
        let ring = try await KeyRing.load(configured: [], store: storage.keys)
        #expect(!ring.isRequired)
        let key = try await storage.keys.create(NewAPIKey())
        let seen = try await KeyRing.load(configured: [], store: storage.keys)
        #expect(seen.isRequired)
        try await storage.keys.delete(key.id)
        try await seen.reload()
        #expect(seen.isRequired)
    }
}

@Suite("Rate limits")
struct RateLimiterTests {
    /// A clock that only tests move.
    private final class Clock: Sendable {
        private let time = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant { time.withLock { $0 } }
        func advance(_ duration: Duration) { time.withLock { $0 += duration } }
    }

    private let clock = Clock()

    private func limiter(_ limit: RateLimit, capacity: Int = 100) -> RateLimiter {
        RateLimiter(limit, capacity: capacity) { [clock] in clock.now }
    }

    @Test("A minute's requests are admitted at once, then one each time there is room for one")
    func requests() {
        let limiter = limiter(RateLimit(requests: 60))
        for _ in 0..<60 { #expect(limiter.admit("a").retryAfter == nil) }
        let refused = limiter.admit("a")
        #expect(refused.retryAfter == 1 && refused.remainingRequests == 0 && refused.requestsReset == 60)
        #expect(limiter.admit("b").retryAfter == nil, "clients do not share")
        clock.advance(.seconds(1))
        #expect(limiter.admit("a").retryAfter == nil)
        #expect(limiter.admit("a").retryAfter != nil)
        clock.advance(.seconds(3600))
        #expect(limiter.admit("a").remainingRequests == 59, "no more than a minute's are saved")
    }

    @Test("Tokens are taken out after they were used, below zero where need be")
    func tokens() {
        let limiter = limiter(RateLimit(tokens: 600))
        #expect(limiter.admit("a").retryAfter == nil)
        limiter.charge("a", tokens: 1200)
        let refused = limiter.admit("a")
        #expect(refused.remainingTokens == 0)
        #expect(abs((refused.retryAfter ?? 0) - 60.1) < 0.01)
        clock.advance(.milliseconds(60_200))
        #expect(limiter.admit("a").retryAfter == nil)
    }

    @Test("A clock that goes backwards takes nothing away")
    func backwards() {
        let limiter = limiter(RateLimit(requests: 2))
        _ = limiter.admit("a")
        clock.advance(.seconds(-100))
        #expect(limiter.admit("a").retryAfter == nil)
        #expect(limiter.admit("a").retryAfter == 30)
    }

    @Test("However many clients come, memory is bounded and each is still limited")
    func bounded() {
        let limiter = limiter(RateLimit(requests: 1), capacity: 50)
        for index in 0..<1000 { _ = limiter.admit("client \(index)") }
        #expect(limiter.clientCount <= 51)
        #expect(limiter.admit("one more").retryAfter != nil, "newcomers share what is left")
        clock.advance(.seconds(120))
        #expect(limiter.admit("one more").retryAfter == nil)
        #expect(limiter.clientCount <= 2, "those whose minute is over are forgotten")
    }

    @Test(
        "The headers' durations are those of the OpenAI API",
        arguments: [(0.0, "0ms"), (0.12, "120ms"), (1, "1s"), (59.2, "1m0s"), (361, "6m1s")]
    )
    func durations(seconds: Double, text: String) {
        #expect(RateLimiter.Status.duration(seconds) == text)
    }
}
