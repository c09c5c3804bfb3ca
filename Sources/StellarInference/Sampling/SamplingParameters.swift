/// How the next token is chosen from the logits of a step.
///
/// Processing order: repetition penalty, presence and frequency penalties, logit bias, temperature, top-k, top-p, min-p, draw.
/// With `temperature` 0 the token of the highest processed logit is taken (greedy; the lowest id wins a tie) and nothing is drawn.
public struct SamplingParameters: Sendable, Equatable {
    /// 0 is greedy; else logits are divided by it. 0…2.
    public var temperature: Float
    /// Keep only the `topK` likeliest tokens; 0 keeps all.
    public var topK: Int
    /// Nucleus sampling (Holtzman et al. 2019): keep the smallest set of likeliest tokens whose probabilities sum to at least this. 0…1.
    public var topP: Float
    /// Keep tokens whose probability is at least this share of the likeliest one's. 0…1; 0 keeps all.
    public var minP: Float
    /// Divides positive and multiplies negative logits of tokens that the prompt or the reply already holds (Keskar et al. 2019). 1 is off.
    public var repetitionPenalty: Float
    /// Subtracted once from the logit of each token that the reply already holds. −2…2.
    public var presencePenalty: Float
    /// Subtracted from the logit of a token once for each time the reply holds it. −2…2.
    public var frequencyPenalty: Float
    /// Added to the logits of these tokens. −100…100.
    public var logitBias: [TokenID: Float]
    /// Same seed, request and model: same tokens. `nil` draws a fresh seed.
    public var seed: UInt64?

    public init(
        temperature: Float = 1,
        topK: Int = 0,
        topP: Float = 1,
        minP: Float = 0,
        repetitionPenalty: Float = 1,
        presencePenalty: Float = 0,
        frequencyPenalty: Float = 0,
        logitBias: [TokenID: Float] = [:],
        seed: UInt64? = nil
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.logitBias = logitBias
        self.seed = seed
    }

    /// Always the likeliest token.
    public static var greedy: SamplingParameters { SamplingParameters(temperature: 0) }
}
