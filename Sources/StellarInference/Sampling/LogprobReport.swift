import CStellarKernels

/// The model's own distribution at one place.
struct LogprobReport {
    private let logits: UnsafeMutableBufferPointer<Float>
    private let logSum: Float
    private let top: [TokenLogprob.Candidate]

    /// - Parameters:
    ///   - logits: `[vocabulary]`.
    ///   - count: How many of the likeliest tokens are reported.
    init(_ logits: UnsafeMutableBufferPointer<Float>, count: Int) {
        let sum = Kernels.table.log_sum_exp(logits.baseAddress, logits.count)
        self.logits = logits
        logSum = sum
        top =
            count == 0
            ? []
            : TopCandidates(logits, count: count).candidates.map {
                TokenLogprob.Candidate(token: TokenID(truncatingIfNeeded: $0.token), logprob: $0.value - sum)
            }
    }

    /// - Parameter token: Of the vocabulary.
    func entry(for token: TokenID) -> TokenLogprob {
        TokenLogprob(token: token, logprob: logits[Int(token)] - logSum, top: top)
    }
}
