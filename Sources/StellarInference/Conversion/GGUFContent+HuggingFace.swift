internal import Foundation

extension GGUFContent {
    /// The tensors and metadata of a Hugging Face directory, under the names and in the order of rows that GGUF files have.
    ///
    /// Names come from the family's two tensor tables: what fills the same role is the same tensor. The metadata are read back by the family
    /// and compared with `config.json`, so that nothing is written that would run differently.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`; `unsupportedModel` if the family, its configuration or its tokenizer can't be
    ///   expressed.
    init(_ directory: HuggingFaceDirectory) throws(InferenceError) {
        let blueprint = try ModelBlueprint(.huggingFace(directory))
        let source = blueprint.configuration
        let family = try Self.family(source, directory)
        addConfiguration(source, name: directory.description)
        if let files = try HuggingFaceTokenizerFiles(directory) {
            try GGUFTokenizer(files, vocabularySize: source.vocabularySize).write(to: &writer)
        }
        addTemplates(try directory.chatTemplates())
        let target = try configuration(family)
        try Self.check(source, target, directory)
        try addTensors(of: blueprint, family.tensors(gguf: target), permutes: source.ropes.map(\.pairing) != target.ropes.map(\.pairing))
        if case .llama3(let scaling)? = source.ropes.first?.scaling { try addDivisors(scaling, source.ropes[0]) }
    }

    private static func family(
        _ configuration: ModelConfiguration,
        _ directory: HuggingFaceDirectory
    ) throws(InferenceError) -> any ModelArchitecture.Type {
        if let family = ModelArchitectures.all.first(where: { $0.ggufNames.contains(configuration.architecture) }) { return family }
        throw InferenceError(
            .unsupportedModel,
            "\(directory.description): there is no GGUF form of models of the type \(quoted(configuration.architecture))."
        )
    }

    // MARK: Metadata

    private mutating func addConfiguration(_ configuration: ModelConfiguration, name: String) {
        let prefix = configuration.architecture
        writer.set("general.architecture", .string(prefix))
        writer.set("general.name", .string(URL(fileURLWithPath: name).standardizedFileURL.lastPathComponent))
        func integer(_ key: String, _ value: Int) { writer.set("\(prefix).\(key)", .uint32(UInt32(clamping: value))) }
        func number(_ key: String, _ value: Double) { writer.set("\(prefix).\(key)", .float32(Float(value))) }
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
        if let rope = configuration.ropes.first {
            number("rope.freq_base", rope.base)
            integer("rope.dimension_count", rope.dimensions)
            if case .linear(let factor) = rope.scaling {
                writer.set("\(prefix).rope.scaling.type", .string("linear"))
                number("rope.scaling.factor", factor)
            }
            if case .yarn(let scaling) = rope.scaling {
                writer.set("\(prefix).rope.scaling.type", .string("yarn"))
                number("rope.scaling.factor", scaling.factor)
                integer("rope.scaling.original_context_length", scaling.originalLength)
            }
        }
        if let experts = configuration.experts {
            integer("expert_count", experts.count)
            integer("expert_used_count", experts.usedCount)
            integer("expert_feed_forward_length", experts.feedForwardSize)
        }
    }

    private mutating func addTemplates(_ sources: ChatTemplateSources) {
        if let standard = sources.standard { writer.set("tokenizer.chat_template", .string(standard)) }
        let others = sources.named.filter { $0.name != "default" && $0.source != sources.standard }
        guard !others.isEmpty else { return }
        writer.set("tokenizer.chat_templates", .strings(others.map(\.name)))
        for other in others { writer.set("tokenizer.chat_template.\(other.name)", .string(other.source)) }
    }

    /// What a reader makes of the metadata so far.
    private func configuration(_ family: any ModelArchitecture.Type) throws(InferenceError) -> ModelConfiguration {
        let header = writer.header
        let buffer = try AlignedBuffer(byteCount: header.count, purpose: "the metadata")
        UnsafeMutableRawBufferPointer(start: buffer.base, count: header.count).copyBytes(from: header)
        let bytes = UnsafeRawBufferPointer(start: buffer.base, count: header.count)
        return try family.configuration(gguf: GGUFFile(FileBytes(bytes, name: "the new file", owner: buffer)).metadata)
    }

    /// Refuses what the metadata could not express.
    private static func check(_ source: ModelConfiguration, _ target: ModelConfiguration, _ directory: HuggingFaceDirectory)
        throws(InferenceError)
    {
        var (source, target) = (source, target)
        let changesPairing = source.ropes.map(\.pairing) != target.ropes.map(\.pairing)
        let isPartial = source.ropes.contains { $0.dimensions != source.headSize }
        for index in source.ropes.indices {
            if target.ropes.indices.contains(index) { target.ropes[index].pairing = source.ropes[index].pairing }
            if case .llama3 = source.ropes[index].scaling { source.ropes[index].scaling = .none }
        }
        (source.tiesOutputHead, target.tiesOutputHead) = (false, false)
        (source.biases, target.biases) = (.init(), .init())
        guard source == target, !(changesPairing && isPartial) else {
            throw InferenceError(
                .unsupportedModel,
                "\(directory.description) has settings that this version can't write to a GGUF file of the architecture "
                    + "\(quoted(target.architecture)). Use the directory as it is."
            )
        }
    }

    // MARK: Tensors

    private mutating func addTensors(of blueprint: ModelBlueprint, _ table: TensorTable, permutes: Bool) throws(InferenceError) {
        let configuration = blueprint.configuration
        var used = Set<TensorRole>()
        for entry in table.entries {
            let roles = entry.parts.map(\.role)
            let sources = roles.compactMap { blueprint.tensors[$0] }
            guard sources.count == roles.count, used.isDisjoint(with: roles) else { continue }
            if roles == [.outputHead], configuration.tiesOutputHead { continue }
            used.formUnion(roles)
            var tensor = Tensor(name: entry.name, sources: sources, shape: entry.shape)
            if permutes { tensor.permutedHeads = try Self.permutedHeads(roles, configuration, entry.name) }
            tensors.append(tensor)
        }
        let unused = Set(blueprint.tensors.keys).subtracting(used).subtracting([.outputHead])
        guard unused.isEmpty else {
            throw InferenceError(
                .unsupportedModel,
                "\(blueprint.source.description): \(unused.count) tensors have no place in a GGUF file of the architecture "
                    + "\(quoted(configuration.architecture)). Use the directory as it is."
            )
        }
    }

    private static func permutedHeads(_ roles: [TensorRole], _ configuration: ModelConfiguration, _ name: String) throws(InferenceError)
        -> Int
    {
        for role in roles {
            guard case .layer(_, let tensor) = role else { continue }
            switch tensor {
            case .query where roles.count == 1: return configuration.headCount
            case .key where roles.count == 1: return configuration.keyValueHeadCount
            case .query, .key, .queryBias, .keyBias:
                throw InferenceError(.unsupportedModel, "The rows of \(quoted(name)) can't be brought into the order of GGUF files.")
            default: break
            }
        }
        return 0
    }

    /// Llama 3's scaling, which GGUF files hold as one divisor for each pair.
    private mutating func addDivisors(_ scaling: Llama3Scaling, _ rope: RoPEConfiguration) throws(InferenceError) {
        let pairs = rope.dimensions / 2
        let buffer = try AlignedBuffer(byteCount: pairs * 4, purpose: "RoPE divisors")
        let divisors = buffer.base.bindMemory(to: Float.self, capacity: pairs)
        for pair in 0..<pairs {
            let length = 2 * Double.pi * pow(rope.base, 2 * Double(pair) / Double(rope.dimensions))
            let turns = Double(scaling.originalLength) / length
            let blend = (turns - scaling.lowFrequencyFactor) / (scaling.highFrequencyFactor - scaling.lowFrequencyFactor)
            let share = min(max(blend, 0), 1)
            divisors[pair] = Float(1 / ((1 - share) / scaling.factor + share))
        }
        let tensor = StoredTensor(
            name: "rope_freqs.weight",
            shape: [pairs],
            type: .f32,
            base: buffer.base,
            byteCount: pairs * 4,
            owner: buffer
        )
        tensors.append(Tensor(name: tensor.name, sources: [tensor], shape: tensor.shape))
    }
}
