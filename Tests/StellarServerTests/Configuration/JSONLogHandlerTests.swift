import Foundation
import Logging
import StellarServer
import Synchronization
import Testing

@Suite("JSON log")
struct JSONLogHandlerTests {
    /// What was written.
    private final class Sink: Sendable {
        private let lines = Mutex<[Data]>([])

        var written: [Data] { lines.withLock { $0 } }

        func write(_ line: Data) {
            lines.withLock { $0.append(line) }
        }
    }

    @Test("A message is one line of JSON, whatever it holds")
    func oneLine() throws {
        let sink = Sink()
        var logger = Logger(label: "test") { JSONLogHandler(label: $0) { sink.write($0) } }
        logger[metadataKey: "request_id"] = "r1"
        logger.error("two\nlines \"quoted\" 你好", metadata: ["level": "forged", "path": "/a\u{1}"])
        logger.debug("not shown")
        #expect(sink.written.count == 1)
        let line = try #require(sink.written.first)
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(line.dropLast().allSatisfy { $0 >= 0x20 })
        let fields = try JSONDecoder().decode([String: String].self, from: line)
        #expect(fields["message"] == "two\nlines \"quoted\" 你好")
        #expect(fields["level"] == "error")
        #expect(fields["logger"] == "test")
        #expect(fields["request_id"] == "r1")
        #expect(fields["time"]?.hasSuffix("Z") == true)
    }
}
