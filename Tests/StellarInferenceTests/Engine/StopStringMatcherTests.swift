import StellarInference
import Testing

@Suite("Stop strings")
struct StopStringMatcherTests {
    private func run(_ stops: [String], _ pieces: [String]) -> (shown: [String], stopped: Bool) {
        var matcher = StopStringMatcher(stops)
        var shown: [String] = []
        for piece in pieces {
            let output = matcher.append(piece)
            shown.append(output.text)
            if output.isStopped { return (shown, true) }
        }
        shown.append(matcher.finish())
        return (shown, false)
    }

    @Test("a stop string across pieces is never shown, nor what follows it")
    func acrossPieces() {
        let result = run(["\nUser:"], ["Hi", "\n", "Us", "er", ": more", "!"])
        #expect(result.shown.joined() == "Hi")
        #expect(result.stopped)
    }

    @Test("text that only looked like a stop string is released, in order")
    func falseAlarm() {
        let result = run(["END!"], ["an E", "N", "D", ". E", "ND"])
        #expect(result.shown == ["an ", "", "", "END. ", "", "END"])
        #expect(!result.stopped)
    }

    @Test("the earliest of several stop strings wins")
    func earliest() {
        #expect(run(["b", "ab"], ["xxab"]).shown.joined() == "xx")
    }

    @Test("without stop strings nothing is held back")
    func none() {
        #expect(run([], ["a", "b"]).shown == ["a", "b", ""])
    }

    @Test("any way of cutting the text gives the same result", arguments: ["aabaab", "日本aab語aabaabb", "aaaaaab", "baba"])
    func everyCut(text: String) {
        let stops = ["aabb", "本aa", "aaab"]
        let whole = run(stops, [text])
        let characters = Array(text)
        for mask in 0..<(1 << (characters.count - 1)) {
            var pieces = [""]
            for (index, character) in characters.enumerated() {
                pieces[pieces.count - 1].append(character)
                if mask & (1 << index) != 0 { pieces.append("") }
            }
            let result = run(stops, pieces)
            #expect(result.shown.joined() == whole.shown.joined())
            #expect(result.stopped == whole.stopped)
        }
    }
}
