/// Log-probabilities of a choice's tokens.
public struct ChoiceLogprobs: Codable, Sendable, Equatable {
    public var content: [TokenLogprobs]

    public init(content: [TokenLogprobs]) {
        self.content = content
    }

    /// One generated token, its log-probability (natural logarithm) and the likeliest tokens of its place.
    public struct TokenLogprobs: Codable, Sendable, Equatable {
        public var token: String
        public var logprob: Double
        /// Nothing comes before this token, so it has no probability: only the first of an echoed prompt.
        package var isUnconditional = false
        /// The token's UTF-8 bytes: several tokens may make up one character.
        public var bytes: [UInt8]?
        /// Likeliest first; empty where none were asked for.
        public var topLogprobs: [Candidate]

        public init(token: String, logprob: Double, bytes: [UInt8]?, topLogprobs: [Candidate] = []) {
            self.token = token
            self.logprob = Candidate.finite(logprob)
            self.bytes = bytes
            self.topLogprobs = topLogprobs
        }

        /// The first token of an echoed prompt.
        package init(unconditional token: String, bytes: [UInt8]?) {
            self.init(token: token, logprob: 0, bytes: bytes)
            isUnconditional = true
        }

        enum CodingKeys: String, CodingKey {
            case token, logprob, bytes
            case topLogprobs = "top_logprobs"
        }
    }

    /// One of the likeliest tokens of a place.
    public struct Candidate: Codable, Sendable, Equatable {
        public var token: String
        public var logprob: Double
        public var bytes: [UInt8]?

        public init(token: String, logprob: Double, bytes: [UInt8]?) {
            self.token = token
            self.logprob = Self.finite(logprob)
            self.bytes = bytes
        }

        /// JSON has no infinity; the API writes −9999 for a token that is as good as impossible.
        static func finite(_ logprob: Double) -> Double {
            logprob.isFinite ? logprob : -9999
        }
    }
}
