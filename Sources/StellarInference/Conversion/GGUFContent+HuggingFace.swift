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
        let family = try Self.family(blueprint.configuration, directory)
        var source = blueprint.configuration
        source.architecture = family.name
        let target = try addConfiguration(source, family.reader, description: directory.description)
        if let files = try HuggingFaceTokenizerFiles(directory) {
            try GGUFTokenizer(files, vocabularySize: source.vocabularySize).write(to: &writer)
        }
        addTemplates(try directory.chatTemplates())
        try addTensors(of: blueprint, family.reader.tensors(gguf: target), target)
        try addFactors(of: source)
    }

    /// What the family is called in GGUF files, and what reads it there.
    private static func family(
        _ configuration: ModelConfiguration,
        _ directory: HuggingFaceDirectory
    ) throws(InferenceError) -> (name: String, reader: any ModelArchitecture.Type) {
        let type = directory.configuration["model_type"]?.string ?? ""
        guard let name = try ModelArchitectures.architecture(huggingFaceType: type).ggufName else {
            throw InferenceError(
                .unsupportedModel,
                "\(directory.description): there is no GGUF form of models of the type \(quoted(configuration.architecture))."
            )
        }
        return (name, try ModelArchitectures.architecture(ggufName: name))
    }

    // MARK: Metadata

    private mutating func addTemplates(_ sources: ChatTemplateSources) {
        if let standard = sources.standard { writer.set("tokenizer.chat_template", .string(standard)) }
        let others = sources.named.filter { $0.name != "default" && $0.source != sources.standard }
        guard !others.isEmpty else { return }
        writer.set("tokenizer.chat_templates", .strings(others.map(\.name)))
        for other in others { writer.set("tokenizer.chat_template.\(other.name)", .string(other.source)) }
    }

    // MARK: Tensors

    private mutating func addTensors(of blueprint: ModelBlueprint, _ table: TensorTable, _ target: ModelConfiguration)
        throws(InferenceError)
    {
        let configuration = blueprint.configuration
        let permutes = configuration.ropes.map(\.pairing) != target.ropes.map(\.pairing)
        var used = Set<TensorRole>()
        for entry in table.entries {
            let roles = entry.parts.map(\.role)
            var sources = roles.compactMap { blueprint.tensors[$0] }
            if roles == [.outputHead], configuration.tiesOutputHead {
                // Some architectures have to have a head of their own.
                sources = entry.isRequired ? [blueprint.tensors[.tokenEmbedding]].compactMap { $0 } : []
            }
            guard sources.count == roles.count, used.isDisjoint(with: roles) else { continue }
            used.formUnion(roles)
            var tensor = Tensor(name: entry.name, sources: sources, shape: entry.shape)
            if permutes { tensor.permutedHeads = try Self.permutedHeads(roles, configuration, entry.name) }
            if roles.allSatisfy(\.isNorm) { tensor.offset = configuration.normOffset - target.normOffset }
            tensors.append(tensor)
        }
        let unused = Set(blueprint.tensors.keys).subtracting(used).subtracting([.outputHead])
        guard unused.isEmpty else {
            throw InferenceError(
                .unsupportedModel,
                "\(blueprint.source.description): \(unused.count) tensors have no place in a GGUF file of the architecture "
                    + "\(quoted(target.architecture)). Use the directory as it is."
            )
        }
    }

    private static func permutedHeads(_ roles: [TensorRole], _ configuration: ModelConfiguration, _ name: String) throws(InferenceError)
        -> Int
    {
        for role in roles {
            guard case .layer(_, let tensor) = role else { continue }
            switch tensor {
            case .query where roles.count == 1, .queryBias where roles.count == 1: return configuration.headCount
            case .key where roles.count == 1, .keyBias where roles.count == 1: return configuration.keyValueHeadCount
            case .query, .key, .queryBias, .keyBias:
                throw InferenceError(.unsupportedModel, "The rows of \(quoted(name)) can't be brought into the order of GGUF files.")
            default: break
            }
        }
        return 0
    }

    // MARK: RoPE

    /// What GGUF files hold as tensors: the divisors of Llama 3's scaling and of LongRoPE, one for each pair.
    private mutating func addFactors(of configuration: ModelConfiguration) throws(InferenceError) {
        guard let rope = configuration.ropes.first else { return }
        switch rope.scaling {
        case .llama3(let scaling): try addFactors("rope_freqs.weight", scaling.divisors(rope))
        case .longRoPE(let scaling):
            try addFactors("rope_factors_long.weight", scaling.longFactors)
            try addFactors("rope_factors_short.weight", scaling.shortFactors)
        default: break
        }
    }

    private mutating func addFactors(_ name: String, _ values: [Double]) throws(InferenceError) {
        let buffer = try AlignedBuffer(byteCount: values.count * 4, purpose: "RoPE divisors")
        let target = buffer.base.bindMemory(to: Float.self, capacity: values.count)
        for (place, value) in values.enumerated() { target[place] = Float(value) }
        let tensor = StoredTensor(
            name: name,
            shape: [values.count],
            type: .f32,
            base: buffer.base,
            byteCount: values.count * 4,
            owner: buffer
        )
        tensors.append(Tensor(name: name, sources: [tensor], shape: tensor.shape))
    }
}

extension Llama3Scaling {
    /// By what the frequency of each pair is divided.
    fileprivate func divisors(_ rope: RoPEConfiguration) -> [Double] {
        (0..<rope.dimensions / 2).map { pair in
            let length = 2 * Double.pi * pow(rope.base, 2 * Double(pair) / Double(rope.dimensions))
            let blend = (Double(originalLength) / length - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
            let share = min(max(blend, 0), 1)
            return 1 / ((1 - share) / factor + share)
        }
    }
}
