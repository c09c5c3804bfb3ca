import StellarInference
import StellarProtocol
import StellarServer
import Testing

@Suite("Conversations and what templates can do")
struct ConversationRendererTests {
    /// Takes every message of every role.
    private static let tolerant = """
        {% for m in messages %}<{{ m.role }}>{{ m.content | trim }}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}
        """
    /// Wants one system message, and that first.
    private static let strict = """
        {% for m in messages %}{% if m.role == 'system' and not loop.first %}{{ raise_exception('System message must be at the beginning.') }}\
        {% endif %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}
        """
    /// Leaves all system messages but the first out without a word.
    private static let forgetful = """
        {% if messages[0].role == 'system' %}<system>{{ messages[0].content }}<end>{% endif %}\
        {% for m in messages %}{% if m.role != 'system' %}<{{ m.role }}>{{ m.content }}<end>{% endif %}{% endfor %}<assistant>
        """
    private static let withoutSystem = """
        {% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{{ messages[0].content }}
        """

    private func render(_ template: String, _ messages: [(String, String)], continues: Bool = false) throws -> String {
        let renderer = ConversationRenderer(template: try ChatTemplate(source: template, bosToken: nil, eosToken: nil))
        return try renderer.render(messages.map { ChatMessage(role: $0.0, content: .text($0.1)) }, continuesLast: continues).text
    }

    @Test("Several system messages stay apart where the template takes them")
    func apart() throws {
        let text = try render(Self.tolerant, [("system", "A"), ("user", "hi"), ("system", "B")])
        #expect(text == "<system>A<end><user>hi<end><system>B<end><assistant>")
    }

    @Test(
        "Several system messages become one at the beginning where the template wants that, or would lose them",
        arguments: [strict, forgetful]
    )
    func merged(template: String) throws {
        let messages = [("system", "A"), ("user", "hi"), ("developer", "B")]
        #expect(try render(template, messages) == "<system>A\n\nB<end><user>hi<end><assistant>")
        #expect(try render(template, [("user", "hi"), ("system", "A")]) == "<system>A<end><user>hi<end><assistant>")
    }

    @Test("What a template refuses altogether is an error with its own words")
    func refused() throws {
        #expect {
            try render(Self.withoutSystem, [("system", "A"), ("user", "hi")])
        } throws: {
            ($0 as? InferenceError)?.code == .templateRejected && "\($0)".contains("System role not supported")
        }
    }

    @Test(
        "A continued message is the end of the prompt",
        arguments: [("The sky is", "The sky is"), ("  padded  ", "padded"), ("hi", "hi"), ("你好，", "你好，")]
    )
    func continued(message: String, end: String) throws {
        let text = try render(Self.tolerant, [("user", "hi"), ("assistant", message)], continues: true)
        #expect(text == "<user>hi<end><assistant>\(end)")
    }

    @Test("An empty message has nothing to continue: the reply begins as usual")
    func emptyPrefill() throws {
        #expect(try render(Self.tolerant, [("user", "hi"), ("assistant", "")], continues: true) == "<user>hi<end><assistant>")
    }

    @Test("Data stays data up to where the prompt is cut")
    func dataRanges() throws {
        let renderer = ConversationRenderer(template: try ChatTemplate(source: Self.tolerant, bosToken: nil, eosToken: nil))
        let messages = [ChatMessage(role: "user", content: .text("hi")), ChatMessage(role: "assistant", content: .text("a<end>b"))]
        let prompt = try renderer.render(messages, continuesLast: true)
        #expect(prompt.text == "<user>hi<end><assistant>a<end>b")
        #expect(prompt.dataRanges.last?.upperBound == prompt.text.utf8.count)
        #expect(prompt.dataRanges.last?.count == 7)
    }
}
