import Foundation
import StellarInference
import StellarTestSupport

/// Templates with what Python's jinja2 makes of them, from `Tests/reference/jinja_cases.py`.
struct JinjaReference: Decodable {
    struct Case: Decodable {
        var template: String?
        var style: String?
        var variables: String
        var result: String?
        var error: String?
        var message: String?
    }

    var variables: [String: JSONValue]
    var templates: [String: String]
    var cases: [Case]

    static let shared: Result<JinjaReference, any Error> = Result {
        try read(TestModel.repositoryRoot.appendingPathComponent("Tests/StellarInferenceTests/Fixtures/jinja/cases.json"))
    }

    /// A file that `Tests/reference/jinja_random.py` has written.
    static let randomCasesPath = ProcessInfo.processInfo.environment["STELLAR_JINJA_CASES"]

    static func read(_ url: URL) throws -> JinjaReference {
        try JSONDecoder().decode(JinjaReference.self, from: try Data(contentsOf: url))
    }

    func source(of test: Case) -> String { test.template ?? templates[test.style ?? ""] ?? "" }

    func members(_ name: String) -> [TemplateValue.Member] {
        guard case .object(let members)? = variables[name]?.value else { return [] }
        return members
    }

    /// 2024-07-26 09:05:03 in local time.
    static func clock() -> Double {
        DateComponents(calendar: Calendar(identifier: .gregorian), year: 2024, month: 7, day: 26, hour: 9, minute: 5, second: 3).date?
            .timeIntervalSince1970 ?? 0
    }

    /// What a template makes of variables: the text, or the kind of the error and the message of `raise_exception`.
    static func outcome(_ source: String, _ members: [TemplateValue.Member]) -> String {
        do {
            let template = try ChatTemplate(source: source, bosToken: nil, eosToken: nil)
            return try template.render(members, clock: clock).text
        } catch {
            if error.code == .invalidTemplate { return "<syntax>" }
            return error.message.hasPrefix("line ") ? "<rendering>" : "<raised> \(error.message)"
        }
    }

    static func expected(_ test: Case) -> String {
        if let result = test.result { return result }
        return test.error == "raised" ? "<raised> \(test.message ?? "")" : "<\(test.error ?? "")>"
    }
}

/// JSON that keeps the order of keys: objects are written as `{"object": [[key, value], …]}`, floats as `{"double": "1.5"}`.
struct JSONValue: Decodable {
    var value: TemplateValue

    private enum Key: String, CodingKey {
        case object
        case double
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            if let text = try container.decodeIfPresent(String.self, forKey: .double) {
                value = .double(Double(text) ?? .nan)
            } else {
                value = .object(try container.decode([Pair].self, forKey: .object).map { .init($0.key, $0.value) })
            }
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = .null
        } else if let flag = try? container.decode(Bool.self) {
            value = .bool(flag)
        } else if let number = try? container.decode(Int.self) {
            value = .integer(number)
        } else if let text = try? container.decode(String.self) {
            value = .string(text)
        } else {
            value = .array(try container.decode([JSONValue].self).map(\.value))
        }
    }

    private struct Pair: Decodable {
        var key: String
        var value: TemplateValue

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            key = try container.decode(String.self)
            value = try container.decode(JSONValue.self).value
        }
    }
}
