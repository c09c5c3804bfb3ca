public import Logging
public import ServiceLifecycle
import StellarProtocol
import Synchronization

/// All keys that count now: those of the settings, and a copy of those in the database.
///
/// Looking up a key takes no database and no waiting. Thread contract: any thread.
public final class KeyRing: Sendable {
    private struct Watcher {
        var key: String
        var action: @Sendable () -> Void
    }

    private struct State {
        var stored: [String: KeyStore.Entry] = [:]
        /// Once there was a key, deleting the last one does not open the server.
        var hasSeenStored = false
        var watchers: [Int: Watcher] = [:]
        var nextWatcher = 0
    }

    private let configured: [KeyStore.Entry]
    private let store: KeyStore?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - configured: keys of the settings.
    ///   - secret: makes their ids, which stay the same as long as it does.
    ///   - store: the database's keys.
    init(configured: [ConfiguredKey], secret: [UInt8], store: KeyStore?) {
        self.store = store
        self.configured = configured.map { key in
            let code = HashedKey.code(of: key.key, salt: secret).prefix(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            return KeyStore.Entry(
                id: "env-" + code.joined(),
                hashed: HashedKey(hashing: key.key),
                isAdmin: key.isAdmin,
                isActive: true
            )
        }
    }

    /// A ring with the database's keys.
    ///
    /// - Throws: ``APIError`` of the database.
    public static func load(configured: [ConfiguredKey], store: KeyStore?) async throws -> KeyRing {
        let random = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        let ring = KeyRing(configured: configured, secret: try await store?.secret() ?? random, store: store)
        try await ring.reload()
        return ring
    }

    /// Whether requests need a key.
    public var isRequired: Bool { !configured.isEmpty || state.withLock { $0.hasSeenStored } }

    /// Whose key this is; `nil` for one that is wrong or not active.
    func identify(_ key: String) -> Caller? {
        var found: KeyStore.Entry?
        // All are compared, so that the time tells nothing.
        for entry in configured where entry.hashed.matches(key) { found = entry }
        if found == nil, let entry = stored(key), entry.isActive, entry.hashed.matches(key) { found = entry }
        return found.map { Caller(keyID: $0.id, isAdmin: $0.isAdmin) }
    }

    /// The entry that a key names: keys of the database have their id, which is no secret, in their text.
    private func stored(_ key: String) -> KeyStore.Entry? {
        let parts = key.split(separator: "-", maxSplits: 2)
        guard parts.count == 3, parts[0] == "sk" else { return nil }
        return state.withLock { $0.stored[String(parts[1])] }
    }

    // MARK: Changes

    /// Reads the database's keys again.
    func reload() async throws {
        guard let store else { return }
        let entries = Dictionary(try await store.entries().map { ($0.id, $0) }) { first, _ in first }
        let revoked = state.withLock { state in
            state.stored = entries
            if !entries.isEmpty { state.hasSeenStored = true }
            let gone = state.watchers.filter { _, watcher in !isValid(watcher.key, in: state) }
            for id in gone.keys { state.watchers[id] = nil }
            return gone.values.map(\.action)
        }
        for action in revoked { action() }
    }

    private func isValid(_ id: String, in state: State) -> Bool {
        state.stored[id]?.isActive == true || configured.contains { $0.id == id }
    }

    /// Calls `action` once when a key stops being valid.
    ///
    /// - Returns: What ``removeWatcher(_:)`` takes.
    func onRevocation(of key: String, _ action: @escaping @Sendable () -> Void) -> Int {
        let id: Int? = state.withLock { state in
            guard isValid(key, in: state) else { return nil }
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = Watcher(key: key, action: action)
            return state.nextWatcher
        }
        if id == nil { action() }
        return id ?? 0
    }

    func removeWatcher(_ id: Int) {
        state.withLock { _ = $0.watchers.removeValue(forKey: id) }
    }
}

/// Takes over what another process (`stellarchatd keys`) changes in the database.
public struct KeyWatch: Service {
    private static let interval = Duration.seconds(2)
    private let ring: KeyRing
    private let logger: Logger

    public init(_ ring: KeyRing, logger: Logger) {
        self.ring = ring
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.interval)) != nil {
                do {
                    try await ring.reload()
                } catch {
                    logger.debug("The keys can't be read", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
