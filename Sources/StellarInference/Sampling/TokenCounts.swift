/// The tokens that penalties concern, each once, with how often it was sampled.
///
/// Steps go through a dense list; the dictionary is only for counting.
struct TokenCounts: Sendable {
    struct Entry: Sendable {
        let token: TokenID
        /// How often it was sampled; 0: it is in the prompt only.
        var sampled: Int32
    }

    private(set) var entries: [Entry] = []
    private var places: [TokenID: Int] = [:]

    init(prompt: [TokenID]) {
        for token in prompt { add(token, sampled: 0) }
    }

    mutating func record(_ token: TokenID) {
        add(token, sampled: 1)
    }

    private mutating func add(_ token: TokenID, sampled: Int32) {
        if let place = places[token] {
            entries[place].sampled += sampled
        } else {
            places[token] = entries.count
            entries.append(Entry(token: token, sampled: sampled))
        }
    }
}
