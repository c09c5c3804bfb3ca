/// Intermediate results of a forward pass; rows are contiguous.
///
/// Thread contract: that of ``Transformer``: workers write disjoint shares between barriers.
struct TransformerScratch: Sendable {
    /// `[rows, hidden]`: the residual stream.
    let residual: FloatBuffer
    /// `[rows, heads · head size]`: rotated and scaled queries, then what attention finds for them.
    let heads: FloatBuffer
    /// The same, `[outputs, hidden]` and `[outputs, heads · head size]`, of the rows with logits: all that the last block's end looks at.
    let outputResidual: FloatBuffer
    let outputHeads: FloatBuffer
    /// Of the rows that all workers take through a block together, and of those with logits.
    let common: BlockScratch
    /// One for each rotary embedding.
    let angles: [Angles]
    /// `[outputs, vocabulary]`.
    let logits: FloatBuffer
    /// Set if any layer has experts.
    let experts: Experts?
    let workers: [Worker]
    /// For heads whose attention several workers compute.
    let shared: [SharedAttention]

    /// Of one rotary embedding, `[rows, pairs]`.
    struct Angles: Sendable {
        let cosines: FloatBuffer
        let sines: FloatBuffer
    }

    /// - Parameters:
    ///   - commonRows: Most rows that all workers take through a block together,
    ///   - runRows: and that one takes alone.
    ///   - repeatedElements: Up to so many numbers each worker computes for itself if all need them.
    ///   - longestSequence: Most tokens of a sequence.
    init(
        _ configuration: ModelConfiguration,
        rows: Int,
        commonRows: Int,
        runRows: Int,
        repeatedElements: Int,
        outputs: Int,
        workers: Int,
        longestSequence: Int
    ) throws(InferenceError) {
        let rows = max(rows, outputs)
        let purpose = BlockScratch.purpose
        residual = try FloatBuffer(count: rows * configuration.hiddenSize, purpose: purpose)
        heads = try FloatBuffer(count: rows * configuration.querySize, purpose: purpose)
        outputResidual = try FloatBuffer(count: outputs * configuration.hiddenSize, purpose: purpose)
        outputHeads = try FloatBuffer(count: outputs * configuration.querySize, purpose: purpose)
        common = try BlockScratch(configuration, rows: max(min(rows, commonRows), outputs))
        var angles: [Angles] = []
        for rope in configuration.ropes {
            let count = rows * rope.dimensions / 2
            angles.append(
                Angles(cosines: try FloatBuffer(count: count, purpose: purpose), sines: try FloatBuffer(count: count, purpose: purpose))
            )
        }
        self.angles = angles
        logits = try FloatBuffer(count: outputs * configuration.vocabularySize, purpose: "logits", hugePages: false)
        if let shape = configuration.experts {
            experts = try Experts(shape, hidden: configuration.hiddenSize, rows: rows, workers: workers)
        } else {
            experts = nil
        }
        var scratch: [Worker] = []
        for _ in 0..<workers { scratch.append(try Worker(configuration, rows: min(rows, runRows), repeatedElements: repeatedElements)) }
        self.workers = scratch
        var shared: [SharedAttention] = []
        for _ in 1..<max(2, workers) { shared.append(try SharedAttention(configuration, tokens: longestSequence)) }
        self.shared = shared
    }
}

/// What some rows leave behind on their way through a block, from the first of them on.
final class BlockScratch: Sendable {
    /// `[rows, hidden]`.
    let normalized: FloatBuffer
    /// `[rows, queries | keys | values]`, then `[rows, gate | up]`.
    let projected: FloatBuffer
    /// `[rows, feed-forward]`.
    let activated: FloatBuffer
    /// The input of a projection in the forms that its kernels read.
    let input: PreparedInput
    /// `[rows, hidden]`: what a block adds to the residual stream.
    let update: FloatBuffer

    fileprivate static let purpose = "intermediate results"

    fileprivate init(_ configuration: ModelConfiguration, rows: Int) throws(InferenceError) {
        let hasDense = configuration.layers.contains { !$0.hasExperts }
        let inner = hasDense ? configuration.feedForwardSize : 0
        normalized = try FloatBuffer(count: rows * configuration.hiddenSize, purpose: Self.purpose)
        let width = max(configuration.querySize + 2 * configuration.keySize, 2 * inner)
        projected = try FloatBuffer(count: rows * width, purpose: Self.purpose)
        activated = try FloatBuffer(count: rows * inner, purpose: Self.purpose)
        update = try FloatBuffer(count: rows * configuration.hiddenSize, purpose: Self.purpose)
        input = try PreparedInput(rows: rows, longestInput: max(configuration.hiddenSize, inner, configuration.querySize))
    }
}

/// What a worker finds for few rows that all workers take through a block together, in steps that look at one row at a time.
package final class FewRows: Sendable {
    /// `[rows, hidden]`, and the same of the rows with logits.
    let residual: FloatBuffer
    let outputResidual: FloatBuffer
    /// `[rows, hidden]`.
    let normalized: FloatBuffer
    /// `[rows, feed-forward]`.
    let activated: FloatBuffer
    /// The input of a projection in the forms that its kernels read.
    let input: PreparedInput

    private let elements: Int

    /// - Parameter elements: Most numbers of each.
    fileprivate init(elements: Int) throws(InferenceError) {
        let purpose = BlockScratch.purpose
        residual = try FloatBuffer(count: elements, purpose: purpose, hugePages: false)
        outputResidual = try FloatBuffer(count: elements, purpose: purpose, hugePages: false)
        normalized = try FloatBuffer(count: elements, purpose: purpose, hugePages: false)
        activated = try FloatBuffer(count: elements, purpose: purpose, hugePages: false)
        input = try PreparedInput(rows: 1, longestInput: elements)
        self.elements = elements
    }

    /// Whether there is room for `rows` of `width` numbers.
    func hold(_ rows: Int, width: Int) -> Bool {
        Self.fit(rows, width: width, in: elements)
    }

    /// Whether `rows` of `width` numbers fit in `elements`, in every form: as halves, an odd row is followed by a zero.
    package static func fit(_ rows: Int, width: Int, in elements: Int) -> Bool {
        rows * (width + width % 2) <= elements
    }
}

extension TransformerScratch {
    /// What one worker needs for itself.
    final class Worker: Sendable {
        /// Weights expanded to FP32 for BLAS, or rows gathered for an expert.
        let tile: FloatBuffer
        let attention: AttentionScratch
        /// Of the rows that it takes through a block alone.
        let block: BlockScratch
        let few: FewRows

        /// About half of a core's L2 cache.
        private static let tileBytes = 512 << 10

        init(_ configuration: ModelConfiguration, rows: Int, repeatedElements: Int) throws(InferenceError) {
            let longestInput = max(configuration.hiddenSize, configuration.feedForwardSize, configuration.querySize)
            tile = try FloatBuffer(count: max(Self.tileBytes / 4, WeightPacking.panelOutputs * longestInput), purpose: "expanded weights")
            attention = try AttentionScratch(configuration)
            block = try BlockScratch(configuration, rows: rows)
            few = try FewRows(elements: repeatedElements)
        }
    }

    /// Of a mixture of experts. A visit is one of the networks that a row goes through; visits of one network have neighbouring slots.
    struct Experts: Sendable {
        /// Inner length of the largest network.
        let innerSize: Int
        /// `[rows, experts]`: the router's probabilities.
        let scores: FloatBuffer
        /// `[rows, visits]`: networks, and their weights.
        let choices: Buffer<Int32>
        let weights: FloatBuffer
        /// `[slots, 2 · inner]`: gate | up.
        let projected: FloatBuffer
        /// `[slots, inner]`.
        let activated: FloatBuffer
        /// `[slots, hidden]`.
        let results: FloatBuffer
        /// Each worker sorts the visits for itself: less work than waiting for one that does it for all.
        let workers: [Visits]

        init(_ shape: ExpertConfiguration, hidden: Int, rows: Int, workers: Int) throws(InferenceError) {
            let purpose = "intermediate results of experts"
            let slots = rows * shape.visits
            innerSize = max(shape.feedForwardSize, shape.sharedFeedForwardSize)
            scores = try FloatBuffer(count: rows * shape.count, purpose: purpose)
            choices = try Buffer(count: slots, purpose: purpose)
            weights = try FloatBuffer(count: slots, purpose: purpose)
            projected = try FloatBuffer(count: slots * 2 * innerSize, purpose: purpose)
            activated = try FloatBuffer(count: slots * innerSize, purpose: purpose)
            results = try FloatBuffer(count: slots * hidden, purpose: purpose)
            var visits: [Visits] = []
            for _ in 0..<workers { visits.append(try Visits(slots: slots, networks: shape.count + shape.sharedCount)) }
            self.workers = visits
        }

        /// Visits sorted by network.
        struct Visits: Sendable {
            /// `[networks + 1]`: first slot of each, and the end.
            private let starts: Buffer<Int32>
            /// `[slots]`.
            let rowOfSlot: Buffer<Int32>
            /// `[rows, visits]`.
            let slotOfVisit: Buffer<Int32>

            init(slots: Int, networks: Int) throws(InferenceError) {
                let purpose = "the order of experts"
                starts = try Buffer(count: networks + 1, purpose: purpose)
                rowOfSlot = try Buffer(count: slots, purpose: purpose)
                slotOfVisit = try Buffer(count: slots, purpose: purpose)
            }

            func slots(of network: Int) -> Range<Int> {
                Int(starts.base[network])..<Int(starts.base[network + 1])
            }

            /// Sorts by counting; visits of one network keep the order of their rows.
            func group(_ choices: UnsafePointer<Int32>, rows: Int, visits: Int) {
                let networks = starts.count - 1
                starts.base.update(repeating: 0, count: starts.count)
                for visit in 0..<rows * visits { starts.base[Int(choices[visit]) + 1] += 1 }
                for network in 0..<networks { starts.base[network + 1] += starts.base[network] }
                for visit in 0..<rows * visits {
                    let slot = starts.base[Int(choices[visit])]
                    starts.base[Int(choices[visit])] = slot + 1
                    rowOfSlot.base[Int(slot)] = Int32(visit / visits)
                    slotOfVisit.base[visit] = slot
                }
                // Each start has moved to its end, the next one's start.
                for network in (1...networks).reversed() { starts.base[network] = starts.base[network - 1] }
                starts.base[0] = 0
            }
        }
    }
}
