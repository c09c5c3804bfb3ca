/// `stream_options` of a request.
public struct StreamOptions: Codable, Sendable, Equatable {
    /// Send a last chunk with the token counts.
    public var includeUsage: Bool?
    /// Random padding against traffic analysis: accepted, not done.
    public var includeObfuscation: Bool?

    public init(includeUsage: Bool? = nil, includeObfuscation: Bool? = nil) {
        self.includeUsage = includeUsage
        self.includeObfuscation = includeObfuscation
    }

    enum CodingKeys: String, CodingKey {
        case includeUsage = "include_usage"
        case includeObfuscation = "include_obfuscation"
    }
}

/// `stop`: one string, or several.
public enum StopSequences: Codable, Sendable, Equatable, WireDescribed {
    case one(String)
    case several([String])

    static let wireDescription = "a string or an array of strings"

    public var strings: [String] {
        switch self {
        case .one(let string): [string]
        case .several(let strings): strings
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let string = try? container.decode(String.self) {
            self = .one(string)
        } else if (try? decoder.unkeyedContainer()) != nil {
            self = .several(try container.decode([String].self))
        } else {
            throw DecodingError.typeMismatch(Self.self, .init(codingPath: decoder.codingPath, debugDescription: Self.wireDescription))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .one(let string): try container.encode(string)
        case .several(let strings): try container.encode(strings)
        }
    }
}

/// `response_format`: the form that the reply must have.
public struct ResponseFormat: Codable, Sendable, Equatable {
    public struct Schema: Codable, Sendable, Equatable {
        public var name: String
        public var description: String?
        public var schema: JSONValue?
        public var strict: Bool?

        public init(name: String, description: String? = nil, schema: JSONValue? = nil, strict: Bool? = nil) {
            self.name = name
            self.description = description
            self.schema = schema
            self.strict = strict
        }
    }

    /// `text`, `json_object` or `json_schema`.
    public var type: String
    public var jsonSchema: Schema?

    public init(type: String, jsonSchema: Schema? = nil) {
        self.type = type
        self.jsonSchema = jsonSchema
    }

    enum CodingKeys: String, CodingKey {
        case type
        case jsonSchema = "json_schema"
    }
}

/// A tool that the model may call.
public struct ChatTool: Codable, Sendable, Equatable {
    public struct Function: Codable, Sendable, Equatable {
        public var name: String
        public var description: String?
        /// A JSON schema.
        public var parameters: JSONValue?
        public var strict: Bool?

        public init(name: String, description: String? = nil, parameters: JSONValue? = nil, strict: Bool? = nil) {
            self.name = name
            self.description = description
            self.parameters = parameters
            self.strict = strict
        }
    }

    /// `function`; other kinds decode without one.
    public var type: String
    public var function: Function?

    public init(type: String = "function", function: Function?) {
        self.type = type
        self.function = function
    }
}

/// `tool_choice`: whether the model calls a tool, and which.
public enum ToolChoice: Codable, Sendable, Equatable, WireDescribed {
    /// `none`, `auto` or `required`.
    case mode(String)
    /// An object that names one tool, or those allowed.
    case named(JSONValue)

    static let wireDescription = "a string or an object"

    public init(from decoder: any Decoder) throws {
        switch try JSONValue(from: decoder) {
        case .string(let mode): self = .mode(mode)
        case .object(let members): self = .named(.object(members))
        default:
            throw DecodingError.typeMismatch(Self.self, .init(codingPath: decoder.codingPath, debugDescription: Self.wireDescription))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .mode(let mode): try JSONValue.string(mode).encode(to: encoder)
        case .named(let value): try value.encode(to: encoder)
        }
    }
}
