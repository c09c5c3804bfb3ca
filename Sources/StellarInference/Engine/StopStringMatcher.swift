/// Finds the first stop string in text that arrives in pieces, and holds back what may be the beginning of one.
package struct StopStringMatcher: Sendable {
    private let stops: [[UInt8]]
    private var held: [UInt8] = []

    /// - Parameter stops: Empty strings are ignored.
    package init(_ stops: [String]) {
        self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
    }

    package struct Output: Sendable, Equatable {
        /// Text that no stop string can begin in.
        package var text: String
        /// A stop string has appeared: `text` is the last of the reply.
        package var isStopped: Bool
    }

    /// Takes the next piece of text (whole code points) and gives what may be shown.
    package mutating func append(_ piece: String) -> Output {
        guard !stops.isEmpty else { return Output(text: piece, isStopped: false) }
        held += piece.utf8
        if let position = firstMatch() {
            let text = String(decoding: held[..<position], as: UTF8.self)
            held = []
            return Output(text: text, isStopped: true)
        }
        let safe = held.count - longestHeldPrefix()
        let text = String(decoding: held[..<safe], as: UTF8.self)
        held.removeFirst(safe)
        return Output(text: text, isStopped: false)
    }

    /// The text still held back, at the end of a reply that no stop string ended.
    package mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    private func firstMatch() -> Int? {
        held.indices.first { start in stops.contains { held[start...].starts(with: $0) } }
    }

    /// Length of the longest end of the held text that a stop string begins with. Ends lie on code point borders, because stop strings do.
    private func longestHeldPrefix() -> Int {
        let longest = min(held.count, (stops.map(\.count).max() ?? 1) - 1)
        return stride(from: longest, to: 0, by: -1).first { length in
            stops.contains { $0.count > length && held.suffix(length).elementsEqual($0.prefix(length)) }
        } ?? 0
    }
}
