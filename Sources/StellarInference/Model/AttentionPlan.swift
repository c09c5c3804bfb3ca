import CStellarKernels

/// Who computes which part of a batch's attention.
///
/// The work is a line of units: tiles of query rows, in each the KV heads, in each the partitions of the past. Every worker takes a run of
/// that line of about equal cost. Where a cut falls inside the partitions of one head, the workers on both sides leave the states of
/// their partitions in a shared slot, and the last of them to finish joins all in order: results do not depend on where the cuts are.
package struct AttentionPlan: Sendable, Equatable {
    /// A run of query rows of one sequence.
    package struct Tile: Sendable, Equatable {
        package var segment: Int
        /// Rows of the batch.
        package var rows: Range<Int>
        /// Position of the last row.
        package var lastPosition: Int

        /// Partitions of the past that some row sees, without regard to windows.
        package var partitions: Int { lastPosition / AttentionPlan.partitionTokens + 1 }
        /// About proportional to the time that one head takes.
        fileprivate var cost: Int { rows.count * (lastPosition + 1 + overhead) }

        /// What the beginning and end of a head cost, in tokens.
        private var overhead: Int { 64 }
    }

    /// Some partitions of one head of one tile.
    package struct Item: Sendable, Equatable {
        package var tile: Int
        package var head: Int
        package var partitions: Range<Int>
        /// Index into ``shared`` if others compute the rest.
        package var slot: Int?
    }

    /// A head of a tile that several workers share.
    package struct Shared: Sendable, Equatable {
        package var tile: Int
        package var head: Int
        package var workers: Int
    }

    /// Query rows in a tile.
    package static let tileRows = 16
    /// Tokens of a partition; never changes, as results depend on it.
    package static let partitionTokens = Int(STELLAR_ATTENTION_TOKENS)

    package private(set) var tiles: [Tile] = []
    /// One list a worker.
    package private(set) var items: [[Item]] = []
    package private(set) var shared: [Shared] = []

    package init() {}

    package mutating func append(segment: Int, rows: Range<Int>, start: Int) {
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.tileRows) {
            let tile = first..<min(first + Self.tileRows, rows.upperBound)
            tiles.append(Tile(segment: segment, rows: tile, lastPosition: start + tile.upperBound - 1 - rows.lowerBound))
        }
    }

    /// Deals the tiles out, after the last one has been appended.
    package mutating func deal(heads: Int, workers: Int) {
        items = Array(repeating: [], count: workers)
        let total = tiles.reduce(0) { $0 + $1.cost * heads }
        var (worker, done) = (0, 0)
        for (index, tile) in tiles.enumerated() {
            for head in 0..<heads {
                let pieces = cut(tile, at: &worker, done: done, total: total, workers: workers)
                var slot: Int?
                if pieces.count > 1 {
                    slot = shared.count
                    shared.append(Shared(tile: index, head: head, workers: pieces.count))
                }
                for (owner, partitions) in pieces {
                    items[owner].append(Item(tile: index, head: head, partitions: partitions, slot: slot))
                }
                done += tile.cost
            }
        }
    }

    /// Splits the partitions of one head between `worker`, who has got work of the cost up to `done`, and the next ones.
    private func cut(
        _ tile: Tile,
        at worker: inout Int,
        done: Int,
        total: Int,
        workers: Int
    ) -> [(worker: Int, partitions: Range<Int>)] {
        let count = tile.partitions
        var pieces: [(Int, Range<Int>)] = []
        var first = 0
        while first < count {
            let limit = total * (worker + 1) / workers - done
            let end = worker + 1 == workers ? count : min(count, max(0, (limit * count + tile.cost / 2) / tile.cost))
            if end > first { pieces.append((worker, first..<end)) }
            first = max(first, end)
            if first < count { worker += 1 }
        }
        return pieces
    }
}
