/// A value handed to a chat template: what JSON can hold, with the order of object keys kept.
public enum TemplateValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case double(Double)
    case string(String)
    case array([TemplateValue])
    /// Members in the order in which templates iterate over them.
    case object([Member])

    /// One key and value of an object.
    public struct Member: Sendable, Equatable {
        public var key: String
        public var value: TemplateValue

        public init(_ key: String, _ value: TemplateValue) {
            self.key = key
            self.value = value
        }
    }

    /// An object from keys and values in order.
    public static func object(_ members: KeyValuePairs<String, TemplateValue>) -> TemplateValue {
        .object(members.map { Member($0.key, $0.value) })
    }

    /// A chat message with the two keys that every template knows.
    public static func message(role: String, content: String) -> TemplateValue {
        .object([Member("role", .string(role)), Member("content", .string(content))])
    }
}
