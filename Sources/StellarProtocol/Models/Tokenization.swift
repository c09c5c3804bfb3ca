/// The body of `POST /tokenize`: a text (`content`, or `prompt` as other servers call it), or a conversation (`messages`).
public struct TokenizeRequest: Sendable, Equatable, Decodable {
    public var model: String?
    public var content: String?
    /// Rendered by the model's chat template.
    public var messages: [ChatMessage]?
    /// Put the token in front with which the model expects plain text to begin; default `false`.
    public var addsSpecial: Bool
    /// Take the texts of control tokens for these tokens; default `false`.
    public var parsesSpecial: Bool
    /// Answer with the text of each token too.
    public var withPieces: Bool

    public init(content: String?, messages: [ChatMessage]? = nil) {
        self.content = content
        self.messages = messages
        addsSpecial = false
        parsesSpecial = false
        withPieces = false
    }

    enum CodingKeys: String, CodingKey {
        case model, content, prompt, messages
        case addSpecial = "add_special"
        case addSpecialTokens = "add_special_tokens"
        case parseSpecial = "parse_special"
        case withPieces = "with_pieces"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        model = try container.decodeIfPresent(String.self, forKey: .model)
        let prompt = try container.decodeIfPresent(String.self, forKey: .prompt)
        content = try container.decodeIfPresent(String.self, forKey: .content) ?? prompt
        messages = try container.decodeIfPresent([ChatMessage].self, forKey: .messages)
        let addsTokens = try container.decodeIfPresent(Bool.self, forKey: .addSpecialTokens)
        addsSpecial = try container.decodeIfPresent(Bool.self, forKey: .addSpecial) ?? addsTokens ?? false
        parsesSpecial = try container.decodeIfPresent(Bool.self, forKey: .parseSpecial) ?? false
        withPieces = try container.decodeIfPresent(Bool.self, forKey: .withPieces) ?? false
        guard content != nil || messages?.isEmpty == false else {
            throw DecodingError.keyNotFound(CodingKeys.content, .init(codingPath: decoder.codingPath, debugDescription: "no content"))
        }
        guard content == nil || messages?.isEmpty != false else {
            let reason = "it can't stand beside 'content'"
            throw DecodingError.dataCorruptedError(forKey: .messages, in: container, debugDescription: reason)
        }
    }
}

/// The answer of `POST /tokenize`.
public struct TokenizeResponse: Sendable, Equatable, Codable {
    public var tokens: [Int]
    public var count: Int
    /// Longest sequence in tokens.
    public var maxModelLength: Int?
    /// The text of each token; absent unless asked for.
    public var pieces: [String]?

    public init(tokens: [Int], maxModelLength: Int?, pieces: [String]? = nil) {
        self.tokens = tokens
        self.count = tokens.count
        self.maxModelLength = maxModelLength
        self.pieces = pieces
    }

    enum CodingKeys: String, CodingKey {
        case tokens, count, pieces
        case maxModelLength = "max_model_len"
    }
}

/// The body of `POST /detokenize`.
public struct DetokenizeRequest: Sendable, Equatable, Codable {
    public var model: String?
    public var tokens: [Int]

    public init(tokens: [Int]) {
        self.tokens = tokens
    }
}

/// The answer of `POST /detokenize`: the text, under the names that different servers gave it.
public struct DetokenizeResponse: Sendable, Equatable, Codable {
    public var content: String
    public var prompt: String

    public init(content: String) {
        self.content = content
        self.prompt = content
    }
}
