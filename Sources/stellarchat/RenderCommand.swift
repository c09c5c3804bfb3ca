import ArgumentParser
import Foundation
import StellarInference

/// `stellarchat render`: the prompt that a chat template makes of a conversation.
struct RenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Renders a chat template.",
        discussion: """
            The input is a JSON object with “messages”, and perhaps “tools”, “add_generation_prompt” (default: false) and further \
            variables of the template, such as “bos_token”. Prints the text as it is, without a line end of its own.
            """
    )

    @Option(help: "A file with a Jinja template.")
    var template: String

    @Option(help: "A JSON file with the conversation.")
    var input: String

    func run() throws {
        let file = try MappedFile(path: input)
        guard let members = try JSONNode(parsing: file.bytes, name: input).object else {
            throw InferenceError(.invalidRequest, "\(input) is no JSON object.")
        }
        var variables: [TemplateValue.Member] = [
            .init("messages", .array([])), .init("tools", .null), .init("documents", .null), .init("add_generation_prompt", .bool(false)),
        ]
        for (key, value) in members {
            variables.removeAll { $0.key == key }
            variables.append(.init(key, TemplateValue(value)))
        }
        let source = try TextInput.text(ofFile: template)
        Terminal.write(try ChatTemplate(source: source, bosToken: nil, eosToken: nil).render(variables).text)
    }
}

extension TemplateValue {
    init(_ node: JSONNode) {
        switch node {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .array(let values): self = .array(values.map { TemplateValue($0) })
        case .object(let members): self = .object(members.map { Member($0.key, TemplateValue($0.value)) })
        }
    }
}
