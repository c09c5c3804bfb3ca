import StellarInference
import Testing

@Suite("Which text of a prompt is data")
struct ChatTemplateProvenanceTests {
    /// Renders with the data `s` = "ab<|im_end|>cd" and `xs` = ["x", "y"], and puts «» around what is data.
    private func marked(_ source: String) throws -> String {
        let template = try ChatTemplate(source: source, bosToken: "<s>", eosToken: "</s>")
        let members: [TemplateValue.Member] = [
            .init("s", .string("ab<|im_end|>cd")), .init("pad", .string("  p  ")), .init("u", .string("aé世b")), .init("n", .integer(5)),
            .init("xs", .array([.string("x"), .string("y")])), .init("o", .object(["k": .string("v")])),
        ]
        let prompt = try template.render(members)
        var bytes = Array(prompt.text.utf8)
        for range in prompt.dataRanges.reversed() {
            bytes.insert(contentsOf: "»".utf8, at: range.upperBound)
            bytes.insert(contentsOf: "«".utf8, at: range.lowerBound)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "marks follow the bytes exactly",
        arguments: [
            ("<|im_start|>{{ s }}<|im_end|>", "<|im_start|>«ab<|im_end|>cd»<|im_end|>"),
            ("{{ bos_token }}{{ s }}{{ eos_token }}", "<s>«ab<|im_end|>cd»</s>"),
            ("{{ 'A' + s + 'B' }}", "A«ab<|im_end|>cd»B"),
            ("{{ 'A' ~ s ~ n ~ 'B' }}", "A«ab<|im_end|>cd»5B"),
            ("{{ s + s }}", "«ab<|im_end|>cdab<|im_end|>cd»"),
            ("{{ s }}{{ s }}", "«ab<|im_end|>cdab<|im_end|>cd»"),
            ("{{ xs | join(', ') }}", "«x», «y»"),
            ("{{ '-'.join(xs) }}", "«x»-«y»"),
            ("{{ s.join(['1', '2']) }}", "1«ab<|im_end|>cd»2"),
            ("{{ '[%s|%s]' | format(s, 'lit') }}", "[«ab<|im_end|>cd»|lit]"),
            ("{{ '%5s' % xs[0] }}", "    «x»"),
            ("{{ '<{}>{a}'.format(xs[0], a=xs[1]) }}", "<«x»>«y»"),
            ("{{ ('A' + s)[1:3] }}{{ ('A' + s)[0] }}{{ ('A' + s)[::-1][-1] }}", "«ab»AA"),
            ("{{ u[1:3] }}{{ u[::-1] }}", "«é世b世éa»"),
            ("{{ ('  A' ~ pad) | trim }}|{{ pad.lstrip() }}|{{ (pad ~ ' ').rstrip() }}", "A«  p»|«p  »|«  p»"),
            ("{{ ('A,' ~ s ~ ',B').split(',') | join('+') }}", "A+«ab<|im_end|>cd»+B"),
            ("{{ 'xAx'.replace('A', s) }}", "x«ab<|im_end|>cd»x"),
            ("{{ s | replace('<|im_end|>', '|') }}", "«ab»|«cd»"),
            ("{{ xs | first }}{{ xs | last }}{{ s | first }}", "«xya»"),
            ("{{ s if n > 1 else 'no' }}{{ none or s }}", "«ab<|im_end|>cdab<|im_end|>cd»"),
            ("{{ missing | default(s) }}{{ missing | default('x') }}", "«ab<|im_end|>cd»x"),
            ("{% set t = s %}{% set b %}[{{ t }}]{% endset %}{{ b }}", "[«ab<|im_end|>cd»]"),
            ("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(s) }}", "<«ab<|im_end|>cd»>"),
            ("{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}q{{ xs[0] }}{% endcall %}", "<q«x»>"),
            ("{% filter trim %}  a{{ xs[0] }} {% endfilter %}", "a«x»"),
            ("{% set ns = namespace(a=s) %}{% set ns.a = 'L' ~ ns.a %}{{ ns.a }}", "L«ab<|im_end|>cd»"),
            ("{% for c in 'q' ~ xs[0] %}{{ c }}{% endfor %}", "q«x»"),
            ("{% for k, v in o.items() %}{{ k }}={{ v }}{% endfor %}", "«k»=«v»"),
            ("{{ ('a' ~ xs[0]) * 2 }}", "a«x»a«x»"),
            ("{{ ('A ' ~ s).partition(' ') | last }}", "«ab<|im_end|>cd»"),
            ("{{ xs[0].center(5, '.') }}", "..«x».."),
            ("{{ n }}{{ n + 1 }}{{ s | length }}", "5614"),
            ("{{ 'A' | upper }}{{ ['l'] | tojson }}{{ ['l'] }}", "A[\"l\"]['l']"),
            ("{{ (xs[0] ~ '\\nb') | indent(2) }}", "«x»\n  b"),
        ]
    )
    func exact(source: String, expected: String) throws {
        #expect(try marked(source) == expected)
    }

    @Test(
        "what can't be followed byte by byte is data as a whole",
        arguments: [
            ("{{ ('l' ~ s) | upper }}", "«LAB<|IM_END|>CD»"),
            ("{{ ('l' ~ xs[0]) | title }}", "«Lx»"),
            ("{{ {'a': 'lit', 'b': xs[0]} | tojson }}", "«{\"a\": \"lit\", \"b\": \"x\"}»"),
            ("{{ o | tojson }}{{ xs }}", "«{\"k\": \"v\"}['x', 'y']»"),
            ("{{ ['l', xs[0]] | string }}", "«['l', 'x']»"),
            ("{{ ('l' ~ xs[0]) | reverse }}", "«xl»"),
            ("{{ ('<' ~ xs[0]) | e }}", "«&lt;x»"),
            ("{{ (xs[0] ~ 'L').swapcase() }}", "«Xl»"),
        ]
    )
    func whole(source: String, expected: String) throws {
        #expect(try marked(source) == expected)
    }

    @Test("a role is data like any other text of a message")
    func role() throws {
        let template = try ChatTemplate(source: "{% for m in messages %}<{{ m.role }}>{% endfor %}", bosToken: nil, eosToken: nil)
        let prompt = try template.render(messages: [.message(role: "user<|im_end|>", content: "")])
        #expect(prompt == RenderedPrompt(text: "<user<|im_end|>>", dataRanges: [1..<15]))
    }
}
