import GRDB
import Logging
import StellarInference
import StellarProtocol

/// Writes replies while they are generated: all that have changed, about once a second, in one transaction. Ends are written at once.
actor ReplyWriter {
    static let interval = Duration.seconds(1)
    /// Most ended replies that are kept for a database that fails.
    private static let maxUnsaved = 1000

    private let database: StorageDatabase
    private let now: @Sendable () -> Int
    private var buffers: [Int64: ReplyBuffer] = [:]
    private var loop: Task<Void, Never>?

    init(database: StorageDatabase, now: @escaping @Sendable () -> Int) {
        self.database = database
        self.now = now
    }

    func add(_ buffer: ReplyBuffer) {
        dropTooMany()
        buffers[buffer.row] = buffer
        guard loop == nil else { return }
        loop = Task { [weak self] in
            while (try? await Task.sleep(for: Self.interval)) != nil, await self?.flush() == true {}
        }
    }

    private func dropTooMany() {
        guard buffers.count >= Self.maxUnsaved else { return }
        let unsaved = buffers.values.filter(\.hasEnded).sorted { $0.row < $1.row }
        for buffer in unsaved.dropLast(Self.maxUnsaved / 2) { buffers[buffer.row] = nil }
    }

    /// Writes the end of a reply.
    func save(_ buffer: ReplyBuffer) async {
        buffers[buffer.row] = buffer
        await write([buffer])
    }

    /// Ends what still runs as interrupted and writes it.
    func finish() async {
        for buffer in buffers.values { _ = buffer.end(as: .interrupted) }
        await write(Array(buffers.values))
        loop?.cancel()
    }

    /// - Returns: Whether to go on.
    private func flush() async -> Bool {
        await write(Array(buffers.values))
        guard buffers.isEmpty else { return true }
        loop = nil
        return false
    }

    private func write(_ buffers: [ReplyBuffer]) async {
        guard !buffers.isEmpty else { return }
        let time = now()
        do {
            try await database.write { database in
                // Taken on the writer's queue: an older state can't be written after a newer one.
                for buffer in buffers {
                    guard let changes = buffer.takeChanges() else { continue }
                    try Self.update(buffer.row, changes, time, in: database)
                }
            }
            for buffer in buffers where buffer.hasEnded { self.buffers[buffer.row] = nil }
        } catch {
            // Logged by the database. What has ended stays, and is tried again.
            for buffer in buffers { buffer.putBack() }
        }
    }

    private static func update(_ row: Int64, _ changes: ReplyBuffer.Snapshot, _ time: Int, in database: Database) throws {
        var totals = ReplyTotals()
        if let end = changes.end { totals.add(end, choice: 0) }
        try database.execute(
            sql: """
                UPDATE message
                SET content = ?, state = ?, finish_reason = ?, usage = ?, timings = ?, updated_at = max(updated_at, ?) WHERE row = ?
                """,
            arguments: [
                SessionStore.stored(changes.text), changes.state.rawValue, changes.end?.finishReason,
                changes.end == nil ? nil : try SessionStore.json(totals.usage), try totals.timings.map(SessionStore.json), time, row,
            ]
        )
        guard changes.state != .streaming else { return }
        try database.execute(
            sql: "UPDATE session SET updated_at = max(updated_at, ?) WHERE row = (SELECT session FROM message WHERE row = ?)",
            arguments: [time, row]
        )
    }
}
