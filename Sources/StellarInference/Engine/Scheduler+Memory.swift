import DequeModule

// MARK: - Admission

extension Scheduler {
    mutating func insertWaiting(_ entry: Entry) {
        var index = waiting.endIndex
        while index > waiting.startIndex, entry.outranks(waiting[index - 1]) { index -= 1 }
        waiting.insert(entry, at: index)
        queueRevision += 1
    }

    private mutating func insertRunning(_ entry: Entry) {
        running.insert(entry, at: running.firstIndex { entry.outranks($0) } ?? running.endIndex)
    }

    /// Moves sequences from the queue to the running ones as far as places and memory go.
    mutating func admit(now: ContinuousClock.Instant) {
        var index = waiting.startIndex
        while index < waiting.endIndex {
            if hasRoom(forWaitingAt: index, now: now) {
                let entry = waiting.remove(at: index)
                queueRevision += 1
                insertRunning(entry)
                noteBypasses(of: entry)
                index = waiting.startIndex
            } else if waiting[index].isUrgent, let last = running.last, !last.isUrgent {
                // A background sequence makes room for a person's.
                preemptLast(now: now)
            } else if waiting[index].priority == .background, running.count < limits.maxBatch {
                // Its memory may be protected from it; others may pass.
                index += 1
            } else {
                return
            }
        }
    }

    /// Older sequences that were passed over by `admitted` move up in the end.
    private mutating func noteBypasses(of admitted: Entry) {
        for index in waiting.indices where waiting[index].arrival < admitted.arrival && admitted.outranks(waiting[index]) {
            waiting[index].bypasses += 1
            if waiting[index].bypasses == Self.bypassLimit { insertWaiting(waiting.remove(at: index)) }
        }
    }

    /// Whether there is a place, and memory for what the sequence has to say now, with a block for each running one to grow. Sequences that
    /// rest in the way give up their memory.
    private mutating func hasRoom(forWaitingAt index: Int, now: ContinuousClock.Instant) -> Bool {
        guard running.count < limits.maxBatch else { return false }
        if limits.findsPrefixes { waiting[index].findPrefix(in: &allocator) }
        let (id, priority) = (waiting[index].id, waiting[index].priority)
        let needed = BlockAllocator.blocks(for: waiting[index].tokens.count + 1) + running.count
        let wanted = min(needed, allocator.blockCount) - waiting[index].blocks.count
        while allocator.availableCount(for: priority, now: now) < wanted {
            guard yieldIdleMemory(to: priority, exceptOf: id, now: now) else { return false }
        }
        return true
    }

    /// Makes a sequence that is neither running nor `id` give up its memory. Returns whether there was one.
    private mutating func yieldIdleMemory(to priority: RequestPriority, exceptOf id: SequenceID, now: ContinuousClock.Instant) -> Bool {
        func canYield(_ entry: Entry) -> Bool {
            !entry.blocks.isEmpty && entry.id != id && (priority == .interactive || entry.priority == .background)
        }
        if let index = paused.lastIndex(where: canYield) {
            paused[index].giveBack(to: &allocator, now: now)
        } else if let index = waiting.lastIndex(where: canYield) {
            waiting[index].giveBack(to: &allocator, now: now)
        } else {
            return false
        }
        return true
    }
}

// MARK: - Blocks

extension Scheduler {
    /// Provides the blocks for the first `count` tokens of a running sequence, if need be at the cost of those behind it.
    ///
    /// - Returns: Whether it has them; if not, it is not running any more.
    mutating func provideBlocks(toHold count: Int, forRunningAt index: Int, now: ContinuousClock.Instant) -> Bool {
        let missing = BlockAllocator.blocks(for: count) - running[index].blocks.count
        guard missing > 0 else { return true }
        let (id, priority) = (running[index].id, running[index].priority)
        while true {
            if let blocks = allocator.allocate(missing, for: priority, now: now) {
                running[index].add(blocks)
                return true
            }
            if yieldIdleMemory(to: priority, exceptOf: id, now: now) { continue }
            let isLast = index == running.count - 1
            preemptLast(now: now)
            if isLast { return false }
        }
    }

    /// The last running sequence gives up its place and its memory.
    private mutating func preemptLast(now: ContinuousClock.Instant) {
        guard var entry = running.popLast() else { return }
        if limits.findsPrefixes { entry.publish(in: &allocator) }
        entry.giveBack(to: &allocator, now: now)
        counts.preemptions += 1
        insertWaiting(entry)
    }
}
