public import StellarInference
public import StellarProtocol

extension APIError {
    /// What a client is told about an error of the inference library.
    public init(_ error: InferenceError) {
        switch error.code {
        case .invalidRequest:
            self = .invalidRequest(error.message, code: "invalid_value")
        case .templateRejected:
            self = .invalidRequest(
                "The model's chat template refused the conversation: \(error.message)",
                param: "messages",
                code: "template_rejected"
            )
        case .contextLengthExceeded:
            self = .contextLengthExceeded(error.message, param: "messages")
        case .deadlineExceeded:
            self = .timedOut()
        case .queueFull:
            self = .unavailable(error.message, code: "queue_full", retryAfter: 1)
        case .engineStopped:
            self = .unavailable(error.message, code: "engine_stopped", retryAfter: 5)
        case .outOfMemory:
            self = .unavailable(error.message, code: "out_of_memory", retryAfter: 5)
        default:
            self = .internalError(error.message)
        }
    }

    /// What a client is told about any error of a running reply.
    public init(anyError error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as InferenceError: self.init(error)
        default: self = .internalError()
        }
    }

    /// 400 with the words by which client libraries know this error: litellm looks for "maximum context length is" or "exceeds the
    /// available context size", LangChain for "prompt is too long" (the message is all that it gets from openai-python).
    package static func contextLengthExceeded(promptTokens: Int, contextLength: Int, param: String = "messages") -> APIError {
        contextLengthExceeded(
            "This model's maximum context length is \(contextLength) tokens. However, you requested a reply to \(param) of \(promptTokens) "
                + "tokens, and it needs room for at least one more. Shorten the \(param == "messages" ? "conversation" : "prompt").",
            param: param
        )
    }

    private static func contextLengthExceeded(_ message: String, param: String) -> APIError {
        let words = "exceeds the available context size"
        let reason = message.contains(words) ? "The prompt is too long." : "The prompt is too long: it \(words)."
        return .invalidRequest("\(message) \(reason)", param: param, code: "context_length_exceeded")
    }
}
