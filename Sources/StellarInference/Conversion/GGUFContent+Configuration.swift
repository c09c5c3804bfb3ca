internal import Foundation

/// A configuration as GGUF metadata.
///
/// Keys: `gguf-py/gguf/constants.py` of the llama.cpp project, written as its `convert_hf_to_gguf.py` writes them.
extension GGUFContent {
    /// - Parameters:
    ///   - family: Reads what has been written, so that what it takes for granted is not written, and what it can't learn is found out.
    ///   - description: The model's name, for messages.
    /// - Returns: What a reader makes of the metadata.
    /// - Throws: ``InferenceError`` `unsupportedModel` if the metadata could not express the configuration.
    mutating func addConfiguration(
        _ source: ModelConfiguration,
        _ family: any ModelArchitecture.Type,
        description: String
    ) throws(InferenceError) -> ModelConfiguration {
        var keys = GGUFKeys(prefix: source.architecture)
        writer.set("general.architecture", .string(source.architecture))
        writer.set("general.name", .string(URL(fileURLWithPath: description).standardizedFileURL.lastPathComponent))
        keys.addSizes(source)
        keys.addRopes(source)
        keys.addExperts(source)
        write(keys)
        let taken = try configuration(family)
        keys.addPattern(source, taken)
        keys.addFactors(source, taken)
        write(keys)
        let target = try configuration(family)
        try Self.check(source, target, description)
        return target
    }

    private mutating func write(_ keys: GGUFKeys) {
        for (key, value) in keys.values { writer.set(key, value) }
    }

    /// What a reader makes of the metadata so far.
    private func configuration(_ family: any ModelArchitecture.Type) throws(InferenceError) -> ModelConfiguration {
        let header = writer.header
        let buffer = try AlignedBuffer(byteCount: header.count, purpose: "the metadata")
        UnsafeMutableRawBufferPointer(start: buffer.base, count: header.count).copyBytes(from: header)
        let bytes = UnsafeRawBufferPointer(start: buffer.base, count: header.count)
        return try family.configuration(gguf: GGUFFile(FileBytes(bytes, name: "the new file", owner: buffer)).metadata)
    }

    /// Refuses what the metadata could not express. What tensors say (biases, LongRoPE's factors, Llama 3's divisors) and what changes with
    /// them (the order of rows, the offset of norms) is no matter of the metadata.
    private static func check(_ source: ModelConfiguration, _ target: ModelConfiguration, _ description: String) throws(InferenceError) {
        var (source, target) = (source, target)
        let changesPairing = source.ropes.map(\.pairing) != target.ropes.map(\.pairing)
        let isPartial = source.ropes.contains { $0.dimensions != source.headSize }
        if zip(source.ropes, target.ropes).allSatisfy({ $0.isExpressed(by: $1) }), source.ropes.count == target.ropes.count {
            target.ropes = source.ropes
        }
        (source.tiesOutputHead, target.tiesOutputHead) = (false, false)
        (source.biases, target.biases) = (.init(), .init())
        (source.normOffset, target.normOffset) = (0, 0)
        guard source == target, !(changesPairing && isPartial) else {
            throw InferenceError(
                .unsupportedModel,
                "\(description) has settings that can't be written to a GGUF file of the architecture "
                    + "\(quoted(target.architecture)). Use the directory as it is."
            )
        }
    }
}

/// Metadata under the prefix of one architecture.
private struct GGUFKeys {
    let prefix: String
    private(set) var values: [(key: String, value: GGUFFileWriter.Value)] = []

    init(prefix: String) {
        self.prefix = prefix
    }

    private mutating func add(_ key: String, _ value: GGUFFileWriter.Value) { values.append(("\(prefix).\(key)", value)) }
    private mutating func integer(_ key: String, _ value: Int) { add(key, .uint32(UInt32(clamping: value))) }
    private mutating func number(_ key: String, _ value: Double) { add(key, .float32(Float(value))) }

    mutating func addSizes(_ configuration: ModelConfiguration) {
        integer("vocab_size", configuration.vocabularySize)
        integer("context_length", configuration.contextLength)
        integer("embedding_length", configuration.hiddenSize)
        integer("block_count", configuration.layerCount)
        integer("feed_forward_length", configuration.feedForwardSize)
        integer("attention.head_count", configuration.headCount)
        integer("attention.head_count_kv", configuration.keyValueHeadCount)
        integer("attention.key_length", configuration.headSize)
        integer("attention.value_length", configuration.headSize)
        number("attention.layer_norm_rms_epsilon", Double(configuration.normEpsilon))
        if let window = configuration.layers.compactMap(\.window).first { integer("attention.sliding_window", window) }
    }

    mutating func addRopes(_ configuration: ModelConfiguration) {
        guard let rope = configuration.ropes.first else { return }
        number("rope.freq_base", rope.base)
        integer("rope.dimension_count", rope.dimensions)
        // The second rotary embedding is that of layers with a window.
        if configuration.ropes.count > 1 { number("rope.freq_base_swa", configuration.ropes[1].base) }
        switch rope.scaling {
        case .linear(let factor):
            add("rope.scaling.type", .string("linear"))
            number("rope.scaling.factor", factor)
        case .yarn(let scaling):
            add("rope.scaling.type", .string("yarn"))
            number("rope.scaling.factor", scaling.factor)
            integer("rope.scaling.original_context_length", scaling.originalLength)
            number("rope.scaling.yarn_beta_fast", scaling.betaFast)
            number("rope.scaling.yarn_beta_slow", scaling.betaSlow)
            let share = scaling.attentionFactor / YaRNScaling.attentionFactor(scaling.factor)
            if abs(share - 1) > 1e-6 { number("rope.scaling.attn_factor", share) }
        case .longRoPE(let scaling):
            add("rope.scaling.type", .string("longrope"))
            integer("rope.scaling.original_context_length", scaling.originalLength)
            number("rope.scaling.attn_factor", scaling.attentionFactor)
        case .none, .dynamic, .llama3, .stellarByte: break
        }
    }

    mutating func addExperts(_ configuration: ModelConfiguration) {
        guard let experts = configuration.experts else { return }
        integer("expert_count", experts.count)
        integer("expert_used_count", experts.usedCount)
        integer("expert_feed_forward_length", experts.feedForwardSize)
        if experts.sharedCount > 0 { integer("expert_shared_feed_forward_length", experts.sharedFeedForwardSize) }
    }

    /// Which layers have the window.
    ///
    /// - Parameter taken: What the family takes for granted.
    mutating func addPattern(_ source: ModelConfiguration, _ taken: ModelConfiguration) {
        let windows = source.layers.map(\.window)
        guard windows != taken.layers.map(\.window) else { return }
        add("attention.sliding_window_pattern", .bools(windows.map { $0 != nil }))
    }

    /// - Parameter taken: What the family takes for granted.
    mutating func addFactors(_ source: ModelConfiguration, _ taken: ModelConfiguration) {
        if source.attentionScale != taken.attentionScale { number("attention.scale", Double(source.attentionScale)) }
        if source.embeddingScale != taken.embeddingScale { number("embedding_scale", Double(source.embeddingScale)) }
        if source.residualScale != taken.residualScale { number("residual_scale", Double(source.residualScale)) }
        // Of Granite, whose files have to say it.
        if source.logitScale != taken.logitScale || prefix == "granite" { number("logit_scale", Double(1 / source.logitScale)) }
        if let cap = source.attentionSoftCap { number("attn_logit_softcapping", Double(cap)) }
        if let cap = source.logitSoftCap { number("final_logit_softcapping", Double(cap)) }
    }
}

extension RoPEConfiguration {
    /// Whether a file that is read as `other` means the same: numbers are FP32 there, and some scalings are tensors.
    fileprivate func isExpressed(by other: RoPEConfiguration) -> Bool {
        guard Self.isClose(base, other.base), dimensions == other.dimensions else { return false }
        switch (scaling, other.scaling) {
        case (.llama3, .none): return true
        case (.linear(let left), .linear(let right)): return Self.isClose(left, right)
        case (.yarn(let left), .yarn(let right)):
            return left.originalLength == right.originalLength && left.truncates == right.truncates
                && Self.isClose(left.factor, right.factor) && Self.isClose(left.betaFast, right.betaFast)
                && Self.isClose(left.betaSlow, right.betaSlow)
                && Self.isClose(left.attentionFactor, right.attentionFactor)
        case (.longRoPE(let left), .longRoPE(let right)):
            return left.originalLength == right.originalLength && Self.isClose(left.attentionFactor, right.attentionFactor)
        default: return scaling == other.scaling
        }
    }

    private static func isClose(_ left: Double, _ right: Double) -> Bool { abs(left - right) <= 1e-6 * max(abs(left), abs(right)) }
}
