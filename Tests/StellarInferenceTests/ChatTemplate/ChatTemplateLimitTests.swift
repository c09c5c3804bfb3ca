import Foundation
import StellarInference
import Testing

@Suite("Hostile chat templates")
struct ChatTemplateLimitTests {
    private func outcome(_ source: String, _ members: [TemplateValue.Member] = []) -> Result<String, InferenceError> {
        Result { () throws(InferenceError) -> String in
            try ChatTemplate(source: source, bosToken: nil, eosToken: nil).render(members).text
        }
    }

    private func code(_ source: String, _ members: [TemplateValue.Member] = []) -> InferenceError.Code? {
        if case .failure(let error) = outcome(source, members) { error.code } else { nil }
    }

    private static func nested(_ open: String, _ core: String, _ close: String, _ count: Int = 10_000) -> String {
        "{{ " + String(repeating: open, count: count) + core + String(repeating: close, count: count) + " }}"
    }

    @Test(
        "deep nesting in the source is an error",
        arguments: [
            nested("(", "1", ")"), nested("[", "1", "]"), nested("{1:", "1", "}"), nested("not ", "1", ""), nested("-", "1", ""),
            nested("x(", "1", ")"), nested("", "1", "+1"), nested("", "1", "|abs"), nested("", "x", ".y"), nested("", "x", "[0]"),
            nested("", "1", " if 1 else 1"), nested("1 if 1 else ", "1", ""), nested("", "1", " or 1"), nested("", "1", "**1"),
            nested("", "1", " is odd"), nested("((1 + ", "1", ") ~ 1)"), nested("x[1:", "1", "]"), nested("1 is in ", "1", ""),
            String(repeating: "{% if 1 %}", count: 10_000),
            String(repeating: "{% if 1 %}", count: 10_000) + String(repeating: "{% endif %}", count: 10_000),
            String(repeating: "{% for a in b %}", count: 10_000), String(repeating: "{% macro a() %}", count: 10_000),
            String(repeating: "{% set x %}", count: 10_000), "{% for " + String(repeating: "(", count: 10_000) + "a",
            "{{ 1 " + String(repeating: "+ (1 ", count: 10_000),
        ]
    )
    func deepSource(source: String) {
        #expect(code(source) == .invalidTemplate)
    }

    @Test(
        "unbounded recursion, work and output are errors",
        arguments: [
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
            "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}",
            "{% macro m(x=m()) %}{% endmacro %}{{ m() }}",
            "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
            "{{ range(10**9) }}", "{{ range(-(10**18), 10**18) }}", "{{ range(-9223372036854775807, 9223372036854775807) }}",
            "{{ 'a' * 10**9 }}", "{{ 'a' * 9223372036854775807 }}", "{{ [1] * 10**9 }}", "{{ (1, 2) * 9223372036854775807 }}",
            "{{ '%1000000000d' % 1 }}", "{{ '%99999999999999999999d' % 1 }}", "{{ '%*d' % (10**9, 1) }}", "{{ '%.1000000000f' % 1.0 }}",
            "{{ '{:1000000000}'.format(1) }}", "{{ '{:.1000000000f}'.format(1.0) }}", "{{ 'a'.center(10**9) }}", "{{ '1'.zfill(10**12) }}",
            "{{ 'a'.ljust(9223372036854775807) }}", "{{ 'a'|indent(10**12) }}", "{{ [1]|tojson(indent=10**12) }}",
            "{{ 'a'|center(10**10) }}",
            "{{ [1]|batch(10**12, 0)|list }}", "{{ [1]|slice(10**12)|list }}",
            "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
            "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
            "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s == ns.s }}",
            "{% set ns = namespace(s=[1]) %}{% for i in range(100000) %}{% set ns.s = [ns.s] %}{% endfor %}",
            "{% set ns = namespace(s={}) %}{% for i in range(100000) %}{% set ns.s = {'a': ns.s} %}{% endfor %}",
            "{% set ns = namespace(s='a') %}{% for i in range(100) %}{% set ns.s = ns.s.replace('a', 'aa') %}{% endfor %}",
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            "{% for a in range(100000) %}{% for b in range(100000) %}aaaaaaaaaaaaaaaaaaaa{% endfor %}{% endfor %}",
            "{% set x = range(100000)|list %}{% for a in x %}{{ x == range(100000)|list }}{% endfor %}",
            "{% set x = 'ab' * 1000000 %}{% for a in range(100000) %}{{ 'b' * 1000000 in x }}{% endfor %}",
            "{{ 2 ** 100 }}", "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}", "{{ 9223372036854775807 * 2 }}",
            "{{ (-9223372036854775807 - 1) // -1 }}", "{{ (-9223372036854775807 - 1) % -1 }}", "{{ -(-9223372036854775807 - 1) }}",
            "{{ (-9223372036854775807 - 1)|abs }}", "{{ 1e300|int }}", "{{ '1e300'|int }}", "{{ '99999999999999999999'|int }}",
            "{{ 1.0|round(10**9) }}", "{{ 9223372036854775807|round(-1) }}", "{{ 2.0 ** 5000 }}", "{{ 1e300|round(300, 'ceil') }}",
            "{{ 'x'|from_json }}", "{{ ('[' * 100000)|from_json }}", "{{ strftime_now('%c' * 3000) }}", "{{ strftime_now('\\0') }}",
        ]
    )
    func unbounded(source: String) {
        #expect(code(source) == .templateRejected)
    }

    @Test("values at the edges of the integers are no trap")
    func integerEdges() {
        let edges = [
            "9223372036854775807", "(-9223372036854775807 - 1)", "0", "-1", "1", "1e308", "-1e308", "('nan'|float)", "('inf'|float)",
            "true",
        ]
        let shapes = [
            "A // B", "A % B", "A * B", "A - B", "A + B", "A / B", "A ** B", "A < B", "A == B", "A in [B]", "range(A, B)", "range(0, A, B)",
            "'abc'[A:B]",
            "'abc'[A:B:A]", "[1, 2][A:B:B]", "'abc'[A]", "[1][A]", "A|round(B)", "A|int(B)", "'7'|int(A, B)", "'%*d' % (A, B)",
            "'%.*f' % (A, B)",
            "'a b'.split(' ', A)", "'a b'.rsplit(none, A)", "'aa'.replace('a', 'b', A)", "'abc'.find('b', A, B)", "'abc'.count('b', A, B)",
            "'abc'.startswith('b', A, B)", "[1].index(1, A, B)", "'ab'|truncate(A, true, '', B)", "[1, 2]|batch(A)|list",
            "[1, 2]|slice(A)|list", "'%c' % A",
            "'{:c}'.format(A)", "A|tojson", "A|abs", "[A, B]|sum", "[A, B]|sort", "A is divisibleby B", "'a'|indent(A)", "'a' * A",
            "[1] * A", "A|string",
            "{A: B}", "A in range(B)", "'{:{}}'.format(1, A)", "'ab'.center(A)", "[B]|map('round', A)|list", "B|round(A, 'floor')",
        ]
        var texts = 0
        for shape in shapes {
            for first in edges {
                for second in edges {
                    let source = "{{ " + shape.replacing("A", with: first).replacing("B", with: second) + " }}"
                    if case .success = outcome(source) { texts += 1 }
                }
            }
        }
        #expect(texts > 1000)
    }

    @Test("a conversation nested too deeply is an error")
    func deepConversation() {
        var value = TemplateValue.string("core")
        for _ in 0..<5000 { value = .array([value]) }
        #expect(code("{{ v }}", [.init("v", value)]) == .templateRejected)
    }

    @Test("a macro may recurse as deeply as tool schemas are nested, on a small stack too")
    func usefulRecursion() {
        let source =
            "{% macro m(v) %}{% if v is mapping %}<{% for k, x in v.items() %}{{ m(x) }}{% endfor %}>{% else %}{{ v }}{% endif %}{% endmacro %}{{ m(v) }}"
        var value = TemplateValue.string("core")
        for _ in 0..<12 { value = .object(["k": value]) }
        let expected = String(repeating: "<", count: 12) + "core" + String(repeating: ">", count: 12)
        let variable = TemplateValue.Member("v", value)
        #expect((try? outcome(source, [variable]).get()) == expected)
    }

    @Test("hostile templates end in errors on a thread with a stack of 512 KiB")
    func smallStack() {
        let sources = [
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
            Self.nested("(", "1", ")"), Self.nested("", "1", "+1", 150), Self.nested("[", "1", "]", 90), Self.nested("not ", "1", "", 190),
            "{% macro m(a) %}" + Self.nested("[", "m(a)", "]", 50) + "{% endmacro %}{{ m(1) }}",
        ]
        let results = Results()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            for source in sources { results.add(outcome(source)) }
            done.signal()
        }
        thread.stackSize = 512 << 10
        thread.start()
        done.wait()
        #expect(results.count == sources.count)
    }

    /// Written by one thread, read after it has ended.
    private final class Results: @unchecked Sendable {
        private var outcomes: [Result<String, InferenceError>] = []
        var count: Int { outcomes.count }
        func add(_ outcome: Result<String, InferenceError>) { outcomes.append(outcome) }
    }

    @Test("errors name line and column, and pass on the message of raise_exception")
    func messages() {
        #expect(
            outcome("a\n{{ 1 + }}") == .failure(InferenceError(.invalidTemplate, "line 2, column 8: unexpected 'end of print statement'"))
        )
        #expect(outcome("a\n\n{{ x.y }}") == .failure(InferenceError(.templateRejected, "line 3: 'x' is undefined")))
        #expect(outcome("{{ raise_exception('No!') }}") == .failure(InferenceError(.templateRejected, "No!")))
    }
}
