import StellarProtocol
import Testing

@Suite("Randomly damaged requests")
struct RandomDamageTests {
    static let tokens = [
        "\"", "\\", "\\u", "{", "}", "[", "]", ",", ":", "null", "1e400", "-", "9223372036854775808", "\\ud800", "\0", "é", "0.", "true",
    ].map { Array($0.utf8) }

    @Test("A damaged document is an error or a request that can be written again, never a crash")
    func damaged() throws {
        let cases = BadRequestTests.wrongTypes + BadRequestTests.outOfRange
        let documents = (RequestDocumentTests.documents.map(\.written) + cases.map(\.json)).map { Array($0.utf8) }
        var generator = SeededGenerator(state: 99)
        for round in 0..<20_000 {
            var document = documents[round % documents.count]
            for _ in 0..<Int.random(in: 1...4, using: &generator) { damage(&document, &generator) }
            do throws(APIError) {
                let request = try JSONCoding.decode(ChatCompletionRequest.self, from: document)
                #expect(throws: Never.self) { try JSONCoding.encode(request) }
                _ = try request.validate()
            } catch {
                #expect(error.status == 400)
            }
            _ = try? JSONCoding.decode(WebSocketClientMessage.self, from: document)
        }
    }

    private func damage(_ document: inout [UInt8], _ generator: inout SeededGenerator) {
        let start = Int.random(in: 0...document.count, using: &generator)
        let end = Int.random(in: start...document.count, using: &generator)
        let token = Self.tokens[Int.random(in: 0..<Self.tokens.count, using: &generator)]
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: document.insert(contentsOf: token, at: start)
        case 1: document.replaceSubrange(start..<min(start + 1, document.count), with: [])
        case 2: document.replaceSubrange(start..<min(start + 1, document.count), with: [.random(in: 0...255, using: &generator)])
        default: document.removeSubrange(start..<end)
        }
    }
}
