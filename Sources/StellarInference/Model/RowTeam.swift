/// Workers that take rows of a batch through a block together, as one of them sees it.
///
/// A team of one has the rows to itself: no barriers, and what they leave behind stays in its own caches. All of the weights pass through
/// every worker, which pays from some dozen rows on. A team of all workers reads the weights only once: each computes a share of the
/// columns, and waits for the others where it needs theirs. Steps that look at one row at a time are shared out by rows; those of few rows
/// each worker takes all by itself, with results of its own, which is faster than waiting for each other.
package struct RowTeam {
    /// Rows of the batch; of the rows with logits: their numbers among those.
    let rows: Range<Int>
    /// Which way they go through a product.
    let plan: RowPlan
    /// This worker's number in the pool.
    let worker: Int
    /// Workers in the team.
    let size: Int
    /// This worker's number in the team.
    private let rank: Int
    /// What the first row of the team has in the residual stream; the others follow. The worker's own if rows are few.
    let residual: UnsafeMutablePointer<Float>
    /// The first row's queries, or what attention has found for them; the others follow.
    let heads: UnsafeMutablePointer<Float>
    /// Results of the rows, counted from the first of them on.
    let scratch: BlockScratch
    /// The worker's own results where rows are few; `nil`: they never are.
    private let few: FewRows?

    /// One worker with some rows of the batch.
    init(rows: Range<Int>, alone worker: Int, _ memory: TransformerScratch, _ configuration: ModelConfiguration) {
        self.init(
            rows: rows,
            plan: .kernels(rows.count),
            (worker, 0, 1),
            residual: memory.residual.base + rows.lowerBound * configuration.hiddenSize,
            heads: memory.heads.base + rows.lowerBound * configuration.querySize,
            memory.workers[worker].block,
            few: nil
        )
    }

    /// All workers with all rows of the batch.
    init(plan: RowPlan, worker: Int, of size: Int, _ memory: TransformerScratch, _ configuration: ModelConfiguration) {
        let few = memory.workers[worker].few
        self.init(
            rows: 0..<plan.count,
            plan: plan,
            (worker, worker, size),
            residual: few.hold(plan.count, width: configuration.hiddenSize) ? few.residual.base : memory.residual.base,
            heads: memory.heads.base,
            memory.common,
            few: few
        )
    }

    /// All workers with the rows that have logits, brought together.
    init(outputs: Int, worker: Int, of size: Int, _ memory: TransformerScratch, _ configuration: ModelConfiguration) {
        let few = memory.workers[worker].few
        self.init(
            rows: 0..<outputs,
            plan: .kernels(outputs),
            (worker, worker, size),
            residual: few.hold(outputs, width: configuration.hiddenSize) ? few.outputResidual.base : memory.outputResidual.base,
            heads: memory.outputHeads.base,
            memory.common,
            few: few
        )
    }

    private init(
        rows: Range<Int>,
        plan: RowPlan,
        _ place: (worker: Int, rank: Int, size: Int),
        residual: UnsafeMutablePointer<Float>,
        heads: UnsafeMutablePointer<Float>,
        _ scratch: BlockScratch,
        few: FewRows?
    ) {
        self.rows = rows
        self.plan = plan
        (worker, rank, size) = place
        self.residual = residual
        self.heads = heads
        self.scratch = scratch
        self.few = few
    }

    /// Of the rows, counted from the first of them on, those that this worker takes through steps that look at one row at a time.
    var own: Range<Int> { rows.count * rank / size..<rows.count * (rank + 1) / size }

    /// The same counted as ``rows`` are.
    var ownRows: Range<Int> { rows.lowerBound + own.lowerBound..<rows.lowerBound + own.upperBound }

    /// Whether every worker takes all rows through steps that find `width` numbers for each, and keeps these for itself.
    func repeats(_ width: Int) -> Bool {
        few?.hold(rows.count, width: width) ?? false
    }

    /// The rows, counted from the first on, for which this worker finds `width` numbers.
    func own(_ width: Int) -> Range<Int> {
        repeats(width) ? 0..<rows.count : own
    }

    /// `[rows, width]`: where normalised rows go.
    func normalized(_ width: Int) -> UnsafeMutablePointer<Float> {
        if let few, repeats(width) { few.normalized.base } else { scratch.normalized.base }
    }

    /// `[rows, width]`: where f(gate) · up goes.
    func activated(_ width: Int) -> UnsafeMutablePointer<Float> {
        if let few, repeats(width) { few.activated.base } else { scratch.activated.base }
    }

    /// Where the forms of rows of `width` numbers go that kernels read.
    func input(_ width: Int) -> PreparedInput {
        if let few, repeats(width) { few.input } else { scratch.input }
    }

    /// The outputs of a product that this worker computes if all are dealt out.
    func share(of projection: Projection) -> Range<Int> {
        projection.part(rank, of: size)
    }

    /// Calls `body` with ranges of a product's outputs until all are computed or in the hands of other workers of the team.
    ///
    /// - Parameter dealer: That of the team of all.
    func forEachRange(of projection: Projection, dealer: PieceDealer, _ body: (Range<Int>) -> Void) {
        projection.forEachRange(worker: rank, of: size, dealer: dealer, body)
    }

    /// Rows of a team of one. Fewer are not worth the way of all weights through one worker, which is longer for larger weights; of more
    /// the results would not stay in the second-level cache. Floats and halves, which are widened once a run, gain by more rows than
    /// quantised weights do.
    static func rowsAlone(_ weights: ModelWeights) -> ClosedRange<Int> {
        (weights.isFullPrecision ? 48 : 24)...(weights.multipliesFloats ? 128 : 64)
    }

    /// The rows of a batch cut for teams of one: equal runs of at most `longest` rows, as many for each worker.
    package static func runs(rows: Int, longest: Int, workers: Int) -> [Range<Int>] {
        let rounds = (rows + workers * longest - 1) / (workers * longest)
        let count = rounds * workers
        return (0..<count).map { rows * $0 / count..<rows * ($0 + 1) / count }
    }
}
