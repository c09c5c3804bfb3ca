import StellarProtocol

/// The description as one page: server-rendered, without scripts, for the strict content security policy.
struct APIPage {
    private let document: JSONValue

    init(_ document: JSONValue) {
        self.document = document
    }

    var html: String {
        let groups = APIGroup.allCases.map(section).joined()
        let contents = APIGroup.allCases.map {
            "<a href=\"#\($0.rawValue)\">\($0.title.english) <span lang=\"zh\">\($0.title.chinese)</span></a>"
        }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>StellarChat API</title><link rel="stylesheet" href="docs.css"></head><body>
            <header><h1>StellarChat API <small>\(Self.escaped(BuildInformation.version))</small></h1>
            <nav aria-label="Contents">\(contents.joined(separator: "\n"))
            <a href="#schemas">Schemas <span lang="zh">数据结构</span></a> <a href="openapi.json">openapi.json</a></nav></header>
            <main>\(Self.paragraphs(document["info"]?["description"]?.string ?? ""))
            \(groups)
            <section id="schemas"><h2>Schemas <span lang="zh">数据结构</span></h2>\(schemas)</section></main></body></html>

            """
    }

    private func section(_ group: APIGroup) -> String {
        let operations = APIOperation.all.filter { $0.group == group }
        let heading = "<h2>\(group.title.english) <span lang=\"zh\">\(group.title.chinese)</span></h2>"
        return "<section id=\"\(group.rawValue)\">\(heading)\(operations.map(article).joined())</section>\n"
    }

    private func article(_ operation: APIOperation) -> String {
        let path = (operation.prefixes.first ?? "") + operation.path
        let others = operation.prefixes.dropFirst().map { "<code>\(Self.escaped($0 + operation.path))</code>" }
        var text = "<details id=\"\(operation.name)\"><summary><b class=\"\(operation.method.lowercased())\">\(operation.method)</b> "
        text += "<code>\(Self.escaped(path))</code> <span>\(Self.inline(operation.summary))</span></summary>\n"
        if !others.isEmpty { text += "<p>The same: <span lang=\"zh\">等同于</span> \(others.joined(separator: ", "))</p>" }
        text += Self.paragraphs(operation.text)
        if operation.access == .admin { text += "<p>Needs an admin key. <span lang=\"zh\">需要管理员密钥。</span></p>" }
        text += table("Parameters", "参数", operation.parameters.compactMap(parameterRow))
        if let body = operation.body { text += "<h3>Body <span lang=\"zh\">请求体</span>: <a href=\"#\(body)\">\(body)</a></h3>" }
        text += table("Answers", "响应", operation.answers.map(answerRow) + errorRows(operation))
        return text + "</details>\n"
    }

    private func parameterRow(_ name: String) -> [String]? {
        guard let parameter = document["components"]?["parameters"]?[name] else { return nil }
        let place = parameter["in"]?.string ?? ""
        return [
            "<code>\(Self.escaped(parameter["name"]?.string ?? name))</code>", place,
            Self.type(parameter["schema"] ?? .null), Self.inline(parameter["description"]?.string ?? ""),
        ]
    }

    private func answerRow(_ answer: APIOperation.Answer) -> [String] {
        let contents = answer.contents.compactMap { content -> String? in
            guard let schema = try? JSONCoding.decode(JSONValue.self, from: content.schema.utf8) else { return nil }
            return "\(Self.escaped(content.type)) \(Self.type(schema))"
        }
        return [String(answer.status), contents.joined(separator: "<br>"), Self.inline(answer.text)]
    }

    private func errorRows(_ operation: APIOperation) -> [[String]] {
        let answered = Set(operation.answers.map(\.status))
        return operation.allErrors.filter { !answered.contains($0) }.map { status in
            let text = document["components"]?["responses"]?["Error\(status)"]?["description"]?.string ?? ""
            return [String(status), Self.type(.object([.init("$ref", .string("Error"))])), Self.inline(text)]
        }
    }

    private func table(_ english: String, _ chinese: String, _ rows: [[String]]) -> String {
        guard !rows.isEmpty else { return "" }
        let body = rows.map { "<tr>" + $0.map { "<td>\($0)</td>" }.joined() + "</tr>" }
        return "<h3>\(english) <span lang=\"zh\">\(chinese)</span></h3><table>\(body.joined(separator: "\n"))</table>"
    }

    private var schemas: String {
        guard case .object(let members) = document["components"]?["schemas"] else { return "" }
        return members.map { schema in
            var rows: [[String]] = []
            let required = Self.strings(schema.value["required"])
            if case .object(let properties) = schema.value["properties"] {
                rows = properties.map { property in
                    [
                        "<code>\(Self.escaped(property.key))</code>\(required.contains(property.key) ? " *" : "")",
                        Self.type(property.value), Self.inline(property.value["description"]?.string ?? ""),
                    ]
                }
            }
            let text = Self.paragraphs(schema.value["description"]?.string ?? "")
            let form = rows.isEmpty ? "<p>\(Self.type(schema.value))</p>" : table("Fields", "字段", rows)
            return "<details id=\"\(schema.key)\"><summary><code>\(schema.key)</code></summary>\(text)\(form)</details>\n"
        }.joined()
    }

    /// A schema in a few words.
    private static func type(_ schema: JSONValue) -> String {
        if let reference = schema["$ref"]?.string {
            let name = escaped(String(reference.split(separator: "/").last ?? ""))
            return "<a href=\"#\(name)\">\(name)</a>"
        }
        for key in ["anyOf", "oneOf"] {
            if case .array(let choices) = schema[key] { return choices.map(type).joined(separator: " or ") }
        }
        if let constant = schema["const"] { return literal(constant) }
        if case .array(let values) = schema["enum"] { return values.map(literal).joined(separator: ", ") }
        var text = schema["type"]?.string ?? strings(schema["type"]).filter { $0 != "null" }.joined(separator: " or ")
        if let items = schema["items"] { text += " of " + type(items) }
        let bounds = [("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("minLength", "length ≥"), ("maxLength", "length ≤")]
        let said = bounds.compactMap { key, sign in schema[key].map { "\(sign) \(literal($0))" } }
        if !said.isEmpty { text += " (\(said.joined(separator: ", ")))" }
        return text.isEmpty ? "anything" : text
    }

    private static func literal(_ value: JSONValue) -> String {
        guard let bytes = try? JSONCoding.encode(value) else { return "" }
        return "<code>\(escaped(String(decoding: bytes, as: UTF8.self)))</code>"
    }

    private static func strings(_ value: JSONValue?) -> [String] {
        guard case .array(let values) = value else { return [] }
        return values.compactMap(\.string)
    }

    private static func paragraphs(_ text: String) -> String {
        var paragraphs: [String] = []
        var lines: [Substring] = []
        for line in (text + "\n").split(separator: "\n", omittingEmptySubsequences: false) {
            if !line.isEmpty {
                lines.append(line)
            } else if !lines.isEmpty {
                paragraphs.append("<p>\(inline(lines.joined(separator: " ")))</p>")
                lines = []
            }
        }
        return paragraphs.joined(separator: "\n")
    }

    /// `code` in backticks.
    private static func inline(_ text: String) -> String {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().map { index, part in
            index % 2 == 1 ? "<code>\(escaped(String(part)))</code>" : escaped(String(part))
        }.joined()
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }

    static let style = """
        :root { color-scheme: light dark; }
        body { font: 16px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 60rem; margin: 0 auto; padding: 0 1rem 4rem; }
        h1 small, h2 span, h3 span, nav span, summary > span { color: GrayText; font-weight: normal; }
        nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; }
        section { border-top: 1px solid color-mix(in srgb, CanvasText 20%, Canvas); margin-top: 2rem; }
        details { margin: 0.25rem 0; }
        details[open] { padding-bottom: 1rem; }
        summary { cursor: pointer; padding: 0.25rem 0; }
        summary b { display: inline-block; min-width: 4rem; font-size: 0.8rem; }
        .get { color: #1a7f37; } .post { color: #0969da; } .patch { color: #9a6700; } .delete { color: #cf222e; }
        code { font-family: ui-monospace, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
        table { border-collapse: collapse; width: 100%; }
        td { border-top: 1px solid color-mix(in srgb, CanvasText 15%, Canvas); padding: 0.25rem 1rem 0.25rem 0; vertical-align: top; }
        a { color: LinkText; }
        @media (prefers-color-scheme: dark) {
            .get { color: #3fb950; } .post { color: #58a6ff; } .patch { color: #d29922; } .delete { color: #f85149; }
        }

        """
}
