extension ModelConfiguration {
    static let layerCounts = 1...4_096

    /// - Throws: ``InferenceError`` `invalidModelFile` naming the first value that is out of range.
    func validated() throws(InferenceError) -> ModelConfiguration {
        try Self.check([
            ("vocabulary size", vocabularySize, 1...(1 << 24)),
            ("embedding length", hiddenSize, 1...(1 << 20)),
            ("block count", layerCount, Self.layerCounts),
            ("attention head count", headCount, 1...65_536),
            ("key/value head count", keyValueHeadCount, 1...65_536),
            ("head size", headSize, 1...4_096),
            ("feed-forward length", feedForwardSize, 1...(1 << 22)),
            ("context length", contextLength, 1...(1 << 28)),
        ])
        guard headCount % keyValueHeadCount == 0 else {
            throw Self.invalid("its \(headCount) attention heads can't share \(keyValueHeadCount) key/value heads evenly")
        }
        guard normEpsilon.isFinite, normEpsilon >= 0, normEpsilon < 1 else {
            throw Self.invalid("its RMS norm epsilon is \(normEpsilon)")
        }
        try validateFactors()
        for rope in ropes { try rope.validate(headSize: headSize) }
        try validateLayers()
        try validateExperts()
        return self
    }

    private func validateFactors() throws(InferenceError) {
        let factors: [(String, Float)] = [
            ("attention scale", attentionScale), ("embedding scale", embeddingScale), ("residual scale", residualScale),
            ("logit scale", logitScale), ("attention soft cap", attentionSoftCap ?? 1), ("logit soft cap", logitSoftCap ?? 1),
        ]
        for (name, value) in factors {
            guard value.isFinite, value > 0 else { throw Self.invalid("its \(name) is \(value)") }
        }
    }

    private func validateLayers() throws(InferenceError) {
        guard layers.count == layerCount else {
            throw Self.invalid("it describes \(layers.count) of \(layerCount) layers")
        }
        for layer in layers {
            if let window = layer.window, window < 1 { throw Self.invalid("its attention window is \(window) tokens") }
            if let rope = layer.rope, !ropes.indices.contains(rope) { throw Self.invalid("a layer's rotary embedding is missing") }
            if layer.hasExperts, experts == nil { throw Self.invalid("a layer has experts but their number is missing") }
        }
    }

    private func validateExperts() throws(InferenceError) {
        guard let experts else { return }
        try Self.check([
            ("expert count", experts.count, 1...4_096),
            ("number of experts a token uses", experts.usedCount, 1...max(1, min(experts.count, 64))),
            ("expert feed-forward length", experts.feedForwardSize, 1...(1 << 22)),
            ("shared expert count", experts.sharedCount, 0...64),
            ("shared expert feed-forward length", experts.sharedFeedForwardSize, (experts.sharedCount > 0 ? 1 : 0)...(1 << 22)),
        ])
        try Self.check([("number of experts in all layers", (experts.count + experts.sharedCount) * layerCount, 1...65_536)])
    }

    private static func check(_ sizes: [(String, Int, ClosedRange<Int>)]) throws(InferenceError) {
        for (name, value, allowed) in sizes where !allowed.contains(value) {
            throw invalid("its \(name) is \(value); \(allowed.lowerBound) to \(allowed.upperBound) is possible")
        }
    }

    static func invalid(_ reason: String) -> InferenceError {
        InferenceError(.invalidModelFile, "The model file contradicts itself: \(reason). Fetch or convert it again.")
    }
}
