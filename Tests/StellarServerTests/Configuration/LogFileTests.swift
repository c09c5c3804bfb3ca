import Foundation
import Logging
import StellarServer
import Synchronization
import Testing

@Suite("Log files")
struct LogFileTests {
    private func withDirectory(_ test: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try test(directory)
    }

    private func lines(_ path: String) -> [String] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    @Test("A file that is full becomes .1, the kept ones move on, the oldest goes")
    func rotation() throws {
        try withDirectory { directory in
            let path = directory + "/log"
            let file = try LogFile(.init(path: path, maxSize: 20, keptFiles: 2))
            for number in 0..<9 { file.write(Data("line \(number)\n".utf8)) }
            #expect(lines(path + ".1").count == 2)
            let all = [path + ".2", path + ".1", path].flatMap(lines)
            #expect(all == (9 - all.count..<9).map { "line \($0)" })
            #expect(!FileManager.default.fileExists(atPath: path + ".3"))
        }
    }

    @Test("A line longer than the limit is written whole")
    func longLine() throws {
        try withDirectory { directory in
            let file = try LogFile(.init(path: directory + "/log", maxSize: 10, keptFiles: 0))
            file.write(Data((String(repeating: "a", count: 100) + "\n").utf8))
            #expect(lines(directory + "/log") == [String(repeating: "a", count: 100)])
        }
    }

    @Test("After something else has moved the file away, reopening begins a new one")
    func reopening() throws {
        try withDirectory { directory in
            let path = directory + "/log"
            let file = try LogFile(.init(path: path, maxSize: 0))
            file.write(Data("old\n".utf8))
            try FileManager.default.moveItem(atPath: path, toPath: path + ".moved")
            file.write(Data("still old\n".utf8))
            try file.reopen()
            file.write(Data("new\n".utf8))
            #expect(lines(path + ".moved") == ["old", "still old"])
            #expect(lines(path) == ["new"])
        }
    }

    @Test("An existing file is continued, and its size counts")
    func appending() throws {
        try withDirectory { directory in
            let path = directory + "/log"
            try "0123456789\n".write(toFile: path, atomically: true, encoding: .utf8)
            let file = try LogFile(.init(path: path, maxSize: 16, keptFiles: 1))
            file.write(Data("more\n".utf8))
            #expect(lines(path) == ["0123456789", "more"])
            file.write(Data("x\n".utf8))
            #expect(lines(path) == ["x"])
        }
    }

    @Test("A file that can't be opened is an error")
    func unwritable() {
        #expect(throws: (any Error).self) { try LogFile(.init(path: "/no/such/directory/log")) }
    }

    @Test("A text line holds everything, in one line")
    func textLine() {
        let written = Mutex("")
        var logger = Logger(label: "t") { label in
            TextLogHandler(label: label) { data in written.withLock { $0 += String(decoding: data, as: UTF8.self) } }
        }
        logger[metadataKey: "request_id"] = "abc"
        logger.warning("two\nlines", metadata: ["a": "1"])
        let line = written.withLock { $0 }
        #expect(line.hasSuffix(" warning t: a=1 request_id=abc two\\nlines\n"))
    }
}
