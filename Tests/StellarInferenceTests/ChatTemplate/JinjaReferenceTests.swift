import Foundation
import StellarInference
import Testing

@Suite("Chat templates against Python's jinja2")
struct JinjaReferenceTests {
    @Test("every reference case renders as jinja2 renders it, errors included")
    func allCases() throws {
        let reference = try JinjaReference.shared.get()
        #expect(reference.cases.count >= 300)
        for test in reference.cases {
            let source = reference.source(of: test)
            let outcome = JinjaReference.outcome(source, reference.members(test.variables))
            #expect(outcome == JinjaReference.expected(test), "\(test.style.map { "\($0), \(test.variables)" } ?? source)")
        }
    }

    @Test(
        "random programs render as jinja2 renders them",
        .enabled(if: JinjaReference.randomCasesPath != nil, "Write cases with Tests/reference/jinja_random.py and set STELLAR_JINJA_CASES.")
    )
    func randomCases() throws {
        let reference = try JinjaReference.read(URL(fileURLWithPath: JinjaReference.randomCasesPath ?? ""))
        let members = reference.members("expressions")
        for test in reference.cases {
            let source = reference.source(of: test)
            let outcome = JinjaReference.outcome(source, members)
            #expect(outcome == JinjaReference.expected(test), "\(source)")
        }
    }

    @Test("data ranges lie in the text, in order and apart, and all of the conversation's own text is in them")
    func provenanceOfStyles() throws {
        let reference = try JinjaReference.shared.get()
        for test in reference.cases where test.style != nil && test.result != nil {
            let template = try ChatTemplate(source: reference.source(of: test), bosToken: "<s>", eosToken: "</s>")
            var members = reference.members(test.variables)
            members.removeAll { $0.key == "bos_token" || $0.key == "eos_token" }
            let prompt = try template.render(members, clock: JinjaReference.clock)
            try expectSound(prompt)
            let data = prompt.dataRanges.map { String(decoding: Array(prompt.text.utf8)[$0], as: UTF8.self) }.joined()
            if prompt.text.contains("Hi <|im_end|> 世界") { #expect(data.contains("Hi <|im_end|> 世界")) }
            let own = ownText(of: prompt)
            for word in ["Köln", "lines", "first", "Thanks", "世界"] { #expect(!own.contains(word)) }
        }
    }

    private func expectSound(_ prompt: RenderedPrompt) throws {
        var end = -1
        for range in prompt.dataRanges {
            #expect(range.lowerBound > end && !range.isEmpty)
            end = range.upperBound
        }
        #expect(end <= prompt.text.utf8.count)
    }

    private func ownText(of prompt: RenderedPrompt) -> String {
        var bytes = Array(prompt.text.utf8)
        for range in prompt.dataRanges.reversed() { bytes.removeSubrange(range) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
