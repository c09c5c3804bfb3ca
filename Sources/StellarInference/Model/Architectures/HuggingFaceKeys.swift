/// The members of a `config.json`, or of an object in it, by typed accessors.
///
/// A member that is absent has the value of `defaults`, which holds what the family's configuration class in `transformers` has; one that
/// is `null` counts as absent without a default.
struct HuggingFaceKeys {
    let object: JSONNode
    var defaults: [String: JSONNode] = [:]

    /// `nil` if absent or `null`.
    subscript(key: String) -> JSONNode? {
        let value = object[key] ?? defaults[key]
        return value?.isNull == true ? nil : value
    }

    func has(_ key: String) -> Bool { self[key] != nil }

    func optionalInteger(_ key: String) throws(InferenceError) -> Int? {
        guard let value = self[key] else { return nil }
        if let integer = value.integer { return integer }
        guard let double = value.double, let integer = Int(exactly: double) else { throw mismatch(key, "an integer") }
        return integer
    }

    func integer(_ key: String) throws(InferenceError) -> Int {
        guard let value = try optionalInteger(key) else { throw missing(key) }
        return value
    }

    func optionalNumber(_ key: String) throws(InferenceError) -> Double? {
        guard let value = self[key] else { return nil }
        guard let number = value.double else { throw mismatch(key, "a number") }
        return number
    }

    func number(_ key: String) throws(InferenceError) -> Double {
        guard let value = try optionalNumber(key) else { throw missing(key) }
        return value
    }

    func number(_ key: String, default fallback: Double) throws(InferenceError) -> Double {
        try optionalNumber(key) ?? fallback
    }

    func bool(_ key: String, default fallback: Bool) throws(InferenceError) -> Bool {
        guard let value = self[key] else { return fallback }
        guard let bool = value.bool else { throw mismatch(key, "true or false") }
        return bool
    }

    /// The first of the keys that is there.
    func string(_ candidates: String...) throws(InferenceError) -> String? {
        for key in candidates {
            guard let value = self[key] else { continue }
            guard let string = value.string else { throw mismatch(key, "a string") }
            return string
        }
        return nil
    }

    func numbers(_ key: String) throws(InferenceError) -> [Double] {
        guard let values = self[key]?.array?.map(\.double), !values.contains(nil) else { throw mismatch(key, "an array of numbers") }
        return values.compactMap { $0 }
    }

    /// `nil` if absent or `null`. `true` and `false` count as 1 and 0.
    func optionalIntegers(_ key: String) throws(InferenceError) -> [Int]? {
        guard let value = self[key] else { return nil }
        let values = value.array?.map { $0.integer ?? $0.bool.map { $0 ? 1 : 0 } }
        guard let values, !values.contains(nil) else { throw mismatch(key, "an array of integers") }
        return values.compactMap { $0 }
    }

    /// - Throws: ``InferenceError`` `invalidModelFile` if there are more or fewer than `count`.
    func optionalStrings(_ key: String, count: Int) throws(InferenceError) -> [String]? {
        guard let value = self[key] else { return nil }
        let values = value.array?.map(\.string)
        guard let values, !values.contains(nil) else { throw mismatch(key, "an array of strings") }
        guard values.count == count else {
            throw ModelConfiguration.invalid("config.json has \(count) layers, but \(values.count) values in \"\(key)\"")
        }
        return values.compactMap { $0 }
    }

    private func mismatch(_ key: String, _ expected: String) -> InferenceError {
        InferenceError(.invalidModelFile, "config.json: \"\(key)\" has to be \(expected). Download the model again.")
    }

    private func missing(_ key: String) -> InferenceError {
        InferenceError(.invalidModelFile, "config.json lacks \"\(key)\". Download the model again.")
    }
}

extension HuggingFaceKeys {
    /// What is the same for all families; half-split rotary embedding.
    ///
    /// - Parameters:
    ///   - rope: `nil`: what ``rope(headSize:layerType:baseKey:)`` reads.
    ///   - layer: What is particular about a layer.
    func configuration(
        _ architecture: String,
        rope: RoPEConfiguration? = nil,
        feedForwardSize: Int? = nil,
        layer: (Int) -> LayerConfiguration = { _ in LayerConfiguration() }
    ) throws(InferenceError) -> ModelConfiguration {
        let heads = try integer("num_attention_heads")
        let hidden = try integer("hidden_size")
        let headSize = try optionalInteger("head_dim") ?? (heads > 0 ? hidden / heads : 0)
        let rope = if let rope { rope } else { try self.rope(headSize: headSize) }
        let inner = if let feedForwardSize { feedForwardSize } else { try integer("intermediate_size") }
        var configuration = try ModelConfiguration(
            architecture: architecture,
            vocabularySize: integer("vocab_size"),
            hiddenSize: hidden,
            layerCount: integer("num_hidden_layers"),
            headCount: heads,
            keyValueHeadCount: optionalInteger("num_key_value_heads") ?? heads,
            headSize: headSize,
            feedForwardSize: inner,
            contextLength: contextLength(rope.scaling),
            normEpsilon: Float(number("rms_norm_eps")),
            rope: rope,
            layer: layer
        )
        configuration.activation = try activation()
        configuration.tiesOutputHead = try bool("tie_word_embeddings", default: false)
        let hasBias = try bool("attention_bias", default: false)
        configuration.biases.queryKeyValue = hasBias
        configuration.biases.attentionOutput = hasBias
        configuration.biases.feedForward = try bool("mlp_bias", default: false)
        return configuration
    }

    /// Scalings by a factor of the original length extend the length that the file states.
    private func contextLength(_ scaling: RoPEScaling) throws(InferenceError) -> Int {
        let stated = try integer("max_position_embeddings")
        let extended: Double =
            switch scaling {
            case .dynamic(let factor, let length): factor * Double(length)
            case .yarn(let yarn): yarn.factor * Double(yarn.originalLength)
            default: 0
            }
        return (0...1e9).contains(extended) ? max(stated, Int(extended)) : stated
    }

    private func activation() throws(InferenceError) -> ModelConfiguration.Activation {
        let name = try string("hidden_activation", "hidden_act") ?? "silu"
        switch name {
        case "silu", "swish": return .silu
        case "gelu_pytorch_tanh", "gelu_new": return .geluTanh
        default:
            throw InferenceError(
                .unsupportedModel,
                "The activation function \(quoted(name)) is not supported. Supported: silu, gelu_pytorch_tanh."
            )
        }
    }

    /// Windows of layers by `layer_types`; `nil` if there is no such list.
    ///
    /// - Throws: ``InferenceError`` `unsupportedModel` for types other than full and sliding attention, `invalidModelFile` for sliding
    ///   attention without `sliding_window`.
    func windows() throws(InferenceError) -> [Int?]? {
        guard let types = try optionalStrings("layer_types", count: integer("num_hidden_layers")) else { return nil }
        var windows: [Int?] = []
        for type in types {
            switch type {
            case "full_attention": windows.append(nil)
            case "sliding_attention": windows.append(try integer("sliding_window"))
            default: throw InferenceError(.unsupportedModel, "Layers of the type \(quoted(type)) are not supported.")
            }
        }
        return windows
    }
}
