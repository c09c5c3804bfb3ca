import Synchronization

/// Deals out work that is cut into the same number of pieces for each worker, again and again: to each its own, in their order, so that it
/// goes through memory that lies together; whoever has no more of its own takes what others have not begun.
///
/// Thread contract: every worker calls ``deal(to:pieces:_:)`` the same number of times, by one thread, and none for the next time before
/// all have returned, as with ``ComputePool/barrier()`` in between.
package final class PieceDealer: @unchecked Sendable {
    // @unchecked: the address never changes; `taken` is atomic, `round` is used by its worker alone.
    private let places: UnsafeMutableBufferPointer<Place>
    private let workerCount: Int

    /// What is known of one worker's pieces.
    private struct Place: ~Copyable {
        /// Times that the worker has called.
        var round = 0
        /// The last round in which pieces of the worker were taken, by anybody, and below it, in ``countBits``, how many.
        let taken = Atomic<Int>(0)
    }

    private static let countBits = 8
    /// Places apart from each other: two cache lines, which processors like to fetch together.
    private static let spacing = 128 / MemoryLayout<Place>.stride

    package init(workerCount: Int) {
        self.workerCount = workerCount
        places = .allocate(capacity: workerCount * Self.spacing)
        for index in places.indices { places.initializeElement(at: index, to: Place()) }
    }

    deinit {
        places.deinitialize().deallocate()
    }

    /// Calls `body` with pieces until all are done or in the hands of others.
    ///
    /// - Parameters:
    ///   - pieces: Of each worker; less than 256.
    ///   - body: Called with the worker whose piece it is, and the piece's number among those.
    package func deal(to worker: Int, pieces: Int, _ body: (_ owner: Int, _ piece: Int) -> Void) {
        places[worker * Self.spacing].round += 1
        let round = places[worker * Self.spacing].round
        for step in 0..<workerCount {
            let owner = worker + step < workerCount ? worker + step : worker + step - workerCount
            while let piece = take(from: owner, round: round, pieces: pieces) { body(owner, piece) }
        }
    }

    /// The next piece of `owner` that nobody has in this round.
    private func take(from owner: Int, round: Int, pieces: Int) -> Int? {
        let place = owner * Self.spacing
        var seen = places[place].taken.load(ordering: .relaxed)
        while true {
            let piece = seen >> Self.countBits == round ? seen & (1 << Self.countBits - 1) : 0
            guard piece < pieces else { return nil }
            let (isOurs, found) = places[place].taken.weakCompareExchange(
                expected: seen,
                desired: round << Self.countBits | piece + 1,
                ordering: .relaxed
            )
            if isOurs { return piece }
            seen = found
        }
    }
}
