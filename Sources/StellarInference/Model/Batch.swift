/// The work of one forward pass: tokens of several sequences.
package struct Batch: Sendable {
    /// Consecutive tokens of one sequence.
    package struct Segment: Sendable {
        /// Tokens to process, at the positions `start`, `start + 1`, …
        package var tokens: [TokenID]
        package var start: Int
        /// The sequence's cache blocks, enough for all positions up to the segment's end.
        package var blocks: [Int32]
        /// The logits of so many of the last tokens are wanted.
        package var logitRows: Int

        package init(tokens: [TokenID], start: Int, blocks: [Int32], logitRows: Int) {
            self.tokens = tokens
            self.start = start
            self.blocks = blocks
            self.logitRows = logitRows
        }

        /// - Parameter wantsLogits: Whether the logits of the last token are wanted.
        package init(tokens: [TokenID], start: Int, blocks: [Int32], wantsLogits: Bool) {
            self.init(tokens: tokens, start: start, blocks: blocks, logitRows: wantsLogits ? 1 : 0)
        }
    }

    package var segments: [Segment]

    package init(segments: [Segment]) {
        self.segments = segments
    }
}

/// A batch laid out in rows: what the workers of a forward pass read.
struct BatchLayout: Sendable {
    private(set) var tokens: [TokenID] = []
    /// Position of each row in its sequence.
    private(set) var positions: [Int] = []
    /// Index into `blocks` of each row's segment.
    private(set) var segmentOfRow: [Int] = []
    /// Cache blocks of each segment.
    private(set) var blocks: [[Int32]] = []
    var attention = AttentionPlan()
    /// Rows whose logits are wanted, in the order of the batch's segments and of their tokens.
    private(set) var outputRows: [Int] = []
    /// The attention of those alone.
    var outputAttention = AttentionPlan()
    private(set) var plan = RowPlan.kernels(0)
    /// The rows cut into runs that one worker takes through a block alone; empty: all workers take all rows together.
    var runs: [Range<Int>] = []

    /// - Parameter blasRows: Segments of at least so many rows go through BLAS; `Int.max`: none.
    init(_ batch: Batch, blasRows: Int) {
        let (small, large) = (
            batch.segments.indices.filter { batch.segments[$0].tokens.count < blasRows },
            batch.segments.indices.filter { batch.segments[$0].tokens.count >= blasRows }
        )
        var lastRow = [Int](repeating: 0, count: batch.segments.count)
        for index in small + large {
            let segment = batch.segments[index]
            let rows = tokens.count..<tokens.count + segment.tokens.count
            append(segment, rows: rows)
            lastRow[index] = rows.upperBound - 1
            if segment.tokens.count >= blasRows { plan.blasGroups.append(rows) } else { plan.kernelRows = rows.upperBound }
        }
        for (index, segment) in batch.segments.enumerated() where segment.logitRows > 0 && !segment.tokens.isEmpty {
            let count = min(segment.logitRows, segment.tokens.count)
            let rows = lastRow[index] + 1 - count..<lastRow[index] + 1
            outputRows += rows
            outputAttention.append(segment: segmentOfRow[lastRow[index]], rows: rows, start: positions[rows.lowerBound])
        }
    }

    var rowCount: Int { tokens.count }

    private mutating func append(_ segment: Batch.Segment, rows: Range<Int>) {
        tokens += segment.tokens
        positions += segment.start..<segment.start + segment.tokens.count
        segmentOfRow += repeatElement(blocks.count, count: segment.tokens.count)
        attention.append(segment: blocks.count, rows: rows, start: segment.start)
        blocks.append(segment.blocks)
    }
}
