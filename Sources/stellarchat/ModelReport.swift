import StellarInference

/// The description of a model file.
struct ModelReport {
    let name: String
    let file: GGUFFile
    let path: String

    func text(withTensors: Bool) -> String {
        var lines = heading.map { pair in pair.0.padded(to: 16) + pair.1 }
        lines += ["", "Tensors"] + tensorTypes + ["", "Metadata"] + file.metadata.keys.map { "  " + $0.padded(to: 44) + value(of: $0) }
        if withTensors { lines += ["", "Tensor list"] + file.tensors.map(line) }
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: Heading

    private var heading: [(String, String)] {
        [
            ("Name", name),
            ("File", path),
            ("Format", "GGUF version \(file.version)"),
            ("Architecture", string("general.architecture") ?? "not named"),
            ("Parameters", parameters),
            ("Shape", shape),
            ("Context", integer("context_length").map { "\($0) tokens" } ?? "not named"),
            ("Tokenizer", tokenizer),
            ("Chat template", template),
            ("Runs here", verdict),
        ]
    }

    private func string(_ key: String) -> String? { (try? file.metadata.string(key)) ?? nil }

    /// A value whose key begins with the name of the architecture.
    private func integer(_ key: String) -> Int? {
        string("general.architecture").flatMap { (try? file.metadata.integer("\($0).\(key)")) ?? nil }
    }

    private var parameters: String {
        let count = file.tensors.reduce(0) { $0 + $1.elementCount }
        let bytes = file.tensors.reduce(0) { $0 + $1.byteCount }
        guard count > 0 else { return "none: the file holds no tensors" }
        return "\((Double(count) / 1e6).formatted(decimals: 1)) M in \(file.tensors.count) tensors, \(Self.size(bytes))"
    }

    private var shape: String {
        let parts = [
            ("layers", "block_count"), ("hidden", "embedding_length"), ("feed-forward", "feed_forward_length"),
            ("heads", "attention.head_count"), ("key-value heads", "attention.head_count_kv"),
        ]
        let known = parts.compactMap { label, key in integer(key).map { "\($0) \(label)" } }
        return known.isEmpty ? "not named" : known.joined(separator: ", ")
    }

    private var tokenizer: String {
        guard let model = string("tokenizer.ggml.model") else { return "none" }
        var count = ""
        if case .array(let tokens)? = file.metadata["tokenizer.ggml.tokens"] { count = ", \(tokens.count) tokens" }
        return "\(model), pre-tokeniser \(string("tokenizer.ggml.pre") ?? "default")\(count)"
    }

    private var template: String {
        guard let source = string("tokenizer.chat_template") else { return "none" }
        do throws(InferenceError) {
            _ = try ChatTemplate(source: source, bosToken: nil, eosToken: nil)
            return "present, \(source.utf8.count) bytes"
        } catch {
            return "present, but: \(error)"
        }
    }

    private var verdict: String {
        do throws(InferenceError) {
            let blueprint = try ModelBlueprint(.gguf(file))
            try ModelText(.gguf(file)).check(against: blueprint.configuration)
            return "yes"
        } catch {
            return "no: \(error)"
        }
    }

    // MARK: Tensors and metadata

    private var tensorTypes: [String] {
        var counts: [TensorType: (tensors: Int, bytes: Int)] = [:]
        for tensor in file.tensors {
            let known = counts[tensor.type] ?? (0, 0)
            counts[tensor.type] = (known.tensors + 1, known.bytes + tensor.byteCount)
        }
        let total = max(1, counts.values.reduce(0) { $0 + $1.bytes })
        return counts.sorted { $0.value.bytes > $1.value.bytes }.map { type, use in
            let share = (100 * Double(use.bytes) / Double(total)).formatted(decimals: 1)
            let label = "  " + type.name.padded(to: 10) + "\(use.tensors) tensors".padded(to: 14)
            return label + "\(Self.size(use.bytes)) (\(share)%)" + (type.isRunnable ? "" : ", no kernel for it")
        }
    }

    private func line(_ tensor: GGUFTensor) -> String {
        let dimensions = tensor.dimensions.map(String.init).joined(separator: " × ")
        return "  " + tensor.name.padded(to: 36) + tensor.type.name.padded(to: 8) + dimensions
    }

    private func value(of key: String) -> String {
        switch file.metadata[key] {
        case .integer(let number)?: return String(number)
        case .unsigned(let number)?: return String(number)
        case .float(let number)?: return String(number)
        case .bool(let flag)?: return String(flag)
        case .array(let array)?: return "\(array.count) × \(array.elementType)"
        case .string(let text)?:
            let shown = text.count > 60 ? text.prefix(60) + "…" : text[...]
            return String(shown).debugDescription
        case nil: return ""
        }
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
