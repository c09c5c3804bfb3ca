import Foundation
import StellarInference

/// The description of a model, whatever it is stored as.
struct ModelReport: Encodable {
    struct TensorTypeUse: Encodable {
        var type: String
        var tensors: Int
        var bytes: Int
        /// Whether weights of the type can be computed with.
        var runs: Bool
    }

    struct TokenizerSummary: Encodable {
        var type: String
        var preTokenizer: String?
        var tokens: Int?

        enum CodingKeys: String, CodingKey {
            case type, tokens
            case preTokenizer = "pre_tokenizer"
        }
    }

    struct Template: Encodable {
        /// Names of all templates; the one for conversations is `default`.
        var names: [String]
        var bytes: Int
        /// Why it can't be used, if it can't.
        var problem: String?
    }

    var name: String
    var path: String
    var format: String
    /// As the files name it.
    var family: String?
    var parameters: Int
    var tensors: Int
    var bytes: Int
    var layers: Int?
    var hiddenSize: Int?
    var feedForwardSize: Int?
    var heads: Int?
    var keyValueHeads: Int?
    var contextLength: Int?
    var tensorTypes: [TensorTypeUse]
    /// `nil`: the model has none.
    var tokenizer: TokenizerSummary?
    /// `nil`: the model has none.
    var chatTemplate: Template?
    /// Whether it runs here, with tokenizer and template.
    var runs: Bool
    /// Why not.
    var reason: String?

    enum CodingKeys: String, CodingKey {
        case name, path, format, family, parameters, tensors, bytes, layers, heads, tokenizer, runs, reason
        case hiddenSize = "hidden_size"
        case feedForwardSize = "feed_forward_size"
        case keyValueHeads = "key_value_heads"
        case contextLength = "context_length"
        case tensorTypes = "tensor_types"
        case chatTemplate = "chat_template"
    }
}

// MARK: - Reading

extension ModelReport {
    init(_ location: ModelLocation, _ files: ModelFiles) {
        let stored = files.tensors.storedTensors
        name = location.name
        path = location.path
        format = Self.format(files)
        family = files.family
        parameters = stored.reduce(0) { $0 + $1.elementCount }
        tensors = stored.count
        bytes = stored.reduce(0) { $0 + $1.byteCount }
        layers = files.integer("block_count", "num_hidden_layers")
        hiddenSize = files.integer("embedding_length", "hidden_size")
        feedForwardSize = files.integer("feed_forward_length", "intermediate_size")
        heads = files.integer("attention.head_count", "num_attention_heads")
        keyValueHeads = files.integer("attention.head_count_kv", "num_key_value_heads")
        contextLength = files.integer("context_length", "max_position_embeddings")
        tensorTypes = Dictionary(grouping: stored, by: \.type)
            .map { type, tensors in
                TensorTypeUse(
                    type: type.name,
                    tensors: tensors.count,
                    bytes: tensors.reduce(0) { $0 + $1.byteCount },
                    runs: type.isRunnable
                )
            }
            .sorted { ($0.bytes, $0.type) > ($1.bytes, $1.type) }
        tokenizer = files.tokenizerSummary
        chatTemplate = Template(files)
        do throws(InferenceError) {
            let blueprint = try ModelBlueprint(files)
            try ModelText(files).check(against: blueprint.configuration)
            (runs, reason) = (true, nil)
        } catch {
            (runs, reason) = (false, error.message)
        }
    }

    private static func format(_ files: ModelFiles) -> String {
        switch files {
        case .gguf(let file): "GGUF version \(file.version)" + (file.parts.count > 1 ? ", \(file.parts.count) parts" : "")
        case .huggingFace: "Hugging Face directory (safetensors)"
        }
    }
}

extension ModelReport.Template {
    fileprivate init?(_ files: ModelFiles) {
        do throws(InferenceError) {
            let sources = try files.chatTemplates()
            guard let source = sources.standard ?? sources.toolUse else { return nil }
            names = sources.named.map(\.name)
            bytes = source.utf8.count
            do throws(InferenceError) {
                _ = try ChatTemplate(source: source, toolUseSource: sources.toolUse, bosToken: nil, eosToken: nil)
            } catch {
                problem = error.message
            }
        } catch {
            (names, bytes, problem) = ([], 0, error.message)
        }
    }
}

extension ModelFiles {
    fileprivate var family: String? {
        switch self {
        case .gguf(let file): (try? file.metadata.string("general.architecture")) ?? nil
        case .huggingFace(let directory): directory.configuration["model_type"]?.string
        }
    }

    /// A value by its key in GGUF files (behind the architecture's name) and in `config.json` (there also among those of the text model).
    fileprivate func integer(_ ggufKey: String, _ huggingFaceKey: String) -> Int? {
        switch self {
        case .gguf(let file): return family.flatMap { (try? file.metadata.integer("\($0).\(ggufKey)")) ?? nil }
        case .huggingFace(let directory):
            let configuration = directory.configuration
            return configuration[huggingFaceKey]?.integer ?? configuration["text_config"]?[huggingFaceKey]?.integer
        }
    }

    fileprivate var tokenizerSummary: ModelReport.TokenizerSummary? {
        switch self {
        case .gguf(let file):
            guard let model = try? file.metadata.string("tokenizer.ggml.model") else { return nil }
            var count: Int?
            if case .array(let tokens)? = file.metadata["tokenizer.ggml.tokens"] { count = tokens.count }
            let preTokenizer = (try? file.metadata.string("tokenizer.ggml.pre")) ?? "default"
            return ModelReport.TokenizerSummary(type: model, preTokenizer: preTokenizer, tokens: count)
        case .huggingFace(let directory):
            guard let tokenizer = try? directory.json("tokenizer.json") else { return nil }
            let model = tokenizer["model"]
            let added = tokenizer["added_tokens"]?.array?.filter { $0["content"]?.string.map { model?["vocab"]?[$0] == nil } ?? false }
            let count = (model?["vocab"]?.object?.count ?? model?["vocab"]?.array?.count).map { $0 + (added?.count ?? 0) }
            let preTokenizer = tokenizer["pre_tokenizer"]?["type"]?.string
            return ModelReport.TokenizerSummary(type: model?["type"]?.string ?? "BPE", preTokenizer: preTokenizer, tokens: count)
        }
    }
}

// MARK: - Text

extension ModelReport {
    var text: String {
        var lines = heading.map { pair in pair.0.padded(to: 16) + pair.1 }
        lines += ["", "Tensors"]
        lines += tensorTypes.map { use in
            let share = (100 * Double(use.bytes) / Double(max(1, bytes))).formatted(decimals: 1)
            let label = "  " + use.type.padded(to: 10) + "\(use.tensors) tensors".padded(to: 14)
            return label + "\(Self.size(use.bytes)) (\(share)%)" + (use.runs ? "" : ", not supported")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var heading: [(String, String)] {
        [
            ("Name", name), ("Path", path), ("Format", format), ("Family", family ?? "not named"), ("Parameters", parameterText),
            ("Shape", shape), ("Context", contextLength.map { "\($0) tokens" } ?? "not named"), ("Tokenizer", tokenizerText),
            ("Chat template", templateText), ("Runs here", runs ? "yes" : "no: \(reason ?? "")"),
        ]
    }

    private var parameterText: String {
        guard parameters > 0 else { return "none: there are no tensors" }
        return "\((Double(parameters) / 1e6).formatted(decimals: 1)) M in \(tensors) tensors, \(Self.size(bytes))"
    }

    private var shape: String {
        let parts = [
            ("layers", layers), ("hidden", hiddenSize), ("feed-forward", feedForwardSize), ("heads", heads),
            ("key-value heads", keyValueHeads),
        ]
        let known = parts.compactMap { label, value in value.map { "\($0) \(label)" } }
        return known.isEmpty ? "not named" : known.joined(separator: ", ")
    }

    private var tokenizerText: String {
        guard let tokenizer else { return "none" }
        return tokenizer.type + (tokenizer.preTokenizer.map { ", pre-tokeniser \($0)" } ?? "")
            + (tokenizer.tokens.map { ", \($0) tokens" } ?? "")
    }

    private var templateText: String {
        guard let chatTemplate else { return "none" }
        let names = chatTemplate.names.isEmpty ? "" : ": " + chatTemplate.names.joined(separator: ", ")
        return chatTemplate.problem.map { "present\(names), but: \($0)" } ?? "present\(names) (\(chatTemplate.bytes) bytes)"
    }

    static func size(_ bytes: Int) -> String {
        let megabytes = Double(bytes) / 1e6
        return megabytes >= 1000 ? (megabytes / 1000).formatted(decimals: 2) + " GB" : megabytes.formatted(decimals: 1) + " MB"
    }
}

extension String {
    /// With spaces behind it up to `width`, and at least one.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
