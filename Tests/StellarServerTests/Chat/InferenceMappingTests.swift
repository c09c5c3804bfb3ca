import StellarInference
import StellarProtocol
import StellarServer
import Testing

@Suite("Between the API and the inference library")
struct InferenceMappingTests {
    @Test(
        "Each kind of inference error has its status and code",
        arguments: [
            (InferenceError.Code.invalidRequest, 400, "invalid_value"), (.templateRejected, 400, "template_rejected"),
            (.contextLengthExceeded, 400, "context_length_exceeded"), (.queueFull, 503, "queue_full"),
            (.engineStopped, 503, "engine_stopped"), (.outOfMemory, 503, "out_of_memory"), (.invalidTemplate, 500, "internal_error"),
        ]
    )
    func errors(_ code: InferenceError.Code, _ status: Int, _ word: String) {
        let error = APIError(InferenceError(code, "Why."))
        #expect(error.status == status)
        #expect(error.code == word)
        #expect(error.message.contains("Why."))
        #expect((error.retryAfter != nil) == (status == 503))
    }

    @Test("A conversation that is too long is reported in the words that client libraries look for")
    func contextLength() {
        let error = APIError.contextLengthExceeded(promptTokens: 70, contextLength: 64)
        #expect(error.status == 400)
        #expect(error.message.contains("This model's maximum context length is 64 tokens"))
        #expect(error.message.contains("exceeds the available context size"))
        #expect(error.message.contains("prompt is too long"))
        #expect(APIError(InferenceError(.contextLengthExceeded, "Long.")).message.contains("exceeds the available context size"))
    }

    @Test("Messages become objects with the keys that templates know, in a fixed order")
    func messages() {
        #expect(TemplateValue(ChatMessage(role: "developer", content: .text("S"))) == .message(role: "system", content: "S"))
        #expect(
            TemplateValue(ChatMessage(role: "user", content: .parts([.text("a"), .text("b")]))) == .message(role: "user", content: "a\nb")
        )
        #expect(TemplateValue(ChatMessage(role: "assistant")) == .message(role: "assistant", content: ""))
        let call = ToolCall(id: "c", type: nil, function: .init(name: "f", arguments: "{}"))
        let message = ChatMessage(role: "assistant", name: "n", toolCalls: [call], toolCallID: "c", reasoningContent: "r")
        #expect(
            TemplateValue(message)
                == .object([
                    "role": .string("assistant"), "content": .string(""), "name": .string("n"), "reasoning_content": .string("r"),
                    "tool_calls": .array([
                        .object([
                            "id": .string("c"), "type": .string("function"),
                            "function": .object(["name": .string("f"), "arguments": .string("{}")]),
                        ])
                    ]), "tool_call_id": .string("c"),
                ])
        )
    }

    @Test("A request's sampling parameters replace the model's defaults, and only those that it names")
    func sampling() {
        let defaults = SamplingParameters(temperature: 0.5, topK: 40, topP: 0.9, minP: 0.1, repetitionPenalty: 1.2)
        #expect(defaults.applying(.init(), choice: 3) == defaults)
        var options = ValidatedChatRequest.SamplingOptions(logitBias: [7: -100])
        options.temperature = 0
        options.topK = 0
        options.presencePenalty = 1
        options.seed = .max
        var expected = defaults
        expected.temperature = 0
        expected.topK = 0
        expected.presencePenalty = 1
        expected.logitBias = [7: -100]
        expected.seed = 1
        #expect(defaults.applying(options, choice: 2) == expected)
    }
}
