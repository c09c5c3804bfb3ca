/// The sources of a model's chat templates.
package struct ChatTemplateSources: Sendable, Equatable {
    /// Templates by name.
    package private(set) var named: [(name: String, source: String)] = []

    /// The one for conversations: `default`, else the only one.
    package var standard: String? { self["default"] ?? (named.count == 1 ? named.first?.source : nil) }
    /// The one for conversations with tools, where it is not the same.
    package var toolUse: String? { self["tool_use"] }

    package subscript(name: String) -> String? { named.first { $0.name == name }?.source }

    package init() {}

    /// Adds a template; one that is there already stays.
    package mutating func add(_ source: String, named name: String) {
        if self[name] == nil { named.append((name, source)) }
    }

    package static func == (left: ChatTemplateSources, right: ChatTemplateSources) -> Bool {
        left.named.elementsEqual(right.named) { $0.name == $1.name && $0.source == $1.source }
    }
}

extension HuggingFaceDirectory {
    /// `chat_template.jinja` and `chat_templates/NAME.jinja`; what they do not name, out of `tokenizer_config.json` (a string, or a list of
    /// names and templates) and, as old processors have it, `chat_template.json`.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile` if a file is damaged.
    package func chatTemplates() throws(InferenceError) -> ChatTemplateSources {
        var sources = ChatTemplateSources()
        if let source = try text("chat_template.jinja") { sources.add(source, named: "default") }
        for directory in ["chat_templates", "additional_chat_templates"] {
            for file in names(in: directory) where file.hasSuffix(".jinja") {
                if let source = try text(directory + "/" + file) { sources.add(source, named: String(file.dropLast(6))) }
            }
        }
        for file in ["tokenizer_config.json", "chat_template.json"] {
            guard let value = try json(file)?["chat_template"] else { continue }
            if let source = value.string { sources.add(source, named: "default") }
            for entry in value.array ?? [] {
                if let name = entry["name"]?.string, let source = entry["template"]?.string { sources.add(source, named: name) }
            }
        }
        return sources
    }
}

extension GGUFFile {
    /// `tokenizer.chat_template`, and `tokenizer.chat_template.NAME` of those that `tokenizer.chat_templates` names.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`.
    package func chatTemplates() throws(InferenceError) -> ChatTemplateSources {
        var sources = ChatTemplateSources()
        if let source = try metadata.string("tokenizer.chat_template") { sources.add(source, named: "default") }
        for name in try metadata.strings("tokenizer.chat_templates") ?? [] {
            if let source = try metadata.string("tokenizer.chat_template.\(name)") { sources.add(source, named: name) }
        }
        return sources
    }
}
