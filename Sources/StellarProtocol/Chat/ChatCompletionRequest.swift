/// The body of `POST /v1/chat/completions`: every field of the OpenAI API that a text model can meet, and our extensions.
///
/// Decoding checks types only; ranges and what this server supports are checked by ``validate(limits:)``. A `null` counts as absent.
/// Source: https://platform.openai.com/docs/api-reference/chat/create.
public struct ChatCompletionRequest: Sendable, Equatable {
    public var messages: [ChatMessage]
    /// Absent or empty: the loaded model.
    public var model: String?
    public var stream: Bool?
    public var streamOptions: StreamOptions?
    /// The older name of `maxCompletionTokens`.
    public var maxTokens: Int?
    /// Most tokens of a reply.
    public var maxCompletionTokens: Int?
    /// 0…2; 0 is greedy.
    public var temperature: Double?
    /// 0…1.
    public var topP: Double?
    /// How many replies.
    public var n: Int?
    public var stop: StopSequences?
    /// −2…2.
    public var presencePenalty: Double?
    /// −2…2.
    public var frequencyPenalty: Double?
    /// Token ids, as strings, to −100…100.
    public var logitBias: [String: Double]?
    public var seed: Int?
    public var logprobs: Bool?
    /// 0…20; needs `logprobs`.
    public var topLogprobs: Int?
    public var responseFormat: ResponseFormat?
    public var tools: [ChatTool]?
    public var toolChoice: ToolChoice?
    public var parallelToolCalls: Bool?
    /// The older form of `tools`.
    public var functions: [JSONValue]?
    /// The older form of `toolChoice`.
    public var functionCall: JSONValue?
    public var user: String?
    public var safetyIdentifier: String?
    public var promptCacheKey: String?
    public var promptCacheRetention: String?
    public var metadata: JSONValue?
    public var store: Bool?
    public var serviceTier: String?
    public var reasoningEffort: String?
    public var verbosity: String?
    public var modalities: [String]?
    public var audio: JSONValue?
    public var prediction: JSONValue?
    public var webSearchOptions: JSONValue?
    /// Extension: keep the likeliest tokens only; 0 or −1 keeps all.
    public var topK: Int?
    /// Extension: 0…1.
    public var minP: Double?
    /// Extension: above 0; 1 is off.
    public var repetitionPenalty: Double?
    /// Extension: go on after an end-of-reply token (for benchmarks).
    public var ignoreEOS: Bool?
    /// Extension: the conversation that this request belongs to.
    public var sessionID: String?
    /// Extension: seconds after which the reply is given up; above 0. The server may allow less.
    public var timeout: Double?
    /// Extension: begin a new reply even after a message of the assistant; not together with `continueFinalMessage`.
    public var addGenerationPrompt: Bool?
    /// Extension: continue the last message, which must be the assistant's. The default where the assistant's is the last one.
    public var continueFinalMessage: Bool?
    /// Names of fields that the request has and this type does not, in ascending order: ignored, kept so that a server can log them.
    public var unknownFields: [String] = []

    public init(messages: [ChatMessage], model: String? = nil, stream: Bool? = nil) {
        self.messages = messages
        self.model = model
        self.stream = stream
    }
}
