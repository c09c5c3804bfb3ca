import Foundation
import GRDB
package import StellarProtocol

extension SessionStore {
    /// Most characters of a search.
    static let maxSearchLength = 256

    /// Sessions, those that were changed last first.
    ///
    /// - Parameters:
    ///   - after: the last session of the page before.
    ///   - search: words that must all be in the title, or all in one message. Letters match in either case.
    package func sessions(owner: String, limit: Int, after: String?, search: String?) async throws -> ListPage<SessionObject> {
        guard (search?.unicodeScalars.count ?? 0) <= Self.maxSearchLength else {
            throw APIError.invalidRequest(
                "'search' may have at most \(Self.maxSearchLength) characters.",
                param: "search",
                code: "invalid_value"
            )
        }
        let words = search.map(Self.words) ?? []
        return try await database.read { database in
            var query = words.isEmpty ? Query() : try Self.query(words, owner, in: database)
            query.where("s.owner = ?", [owner])
            if let after {
                let row = try Self.rowID(of: after, owner, in: database)
                guard let row else { throw APIError.sessionNotFound }
                query.where("(s.updated_at, s.row) < (SELECT updated_at, row FROM session WHERE row = ?)", [row])
            }
            let rows = try query.fetch(limit: limit + 1, in: database)
            let page = try rows.prefix(limit).map { row in
                var session = SessionObject(row)
                if !words.isEmpty { session.snippet = try Self.snippet(row["hit"], session.title, words, in: database) }
                return session
            }
            return ListPage(data: page, hasMore: rows.count > limit)
        }
    }

    static func words(_ search: String) -> [String] {
        stored(search).split(whereSeparator: \.isWhitespace).prefix(16).map(String.init)
    }

    /// A query for sessions, put together from parts with their arguments.
    private struct Query {
        private var prefix = ""
        private var prefixArguments = StatementArguments()
        private var join = ""
        private var conditions: [String] = []
        private var arguments = StatementArguments()

        init() {}

        /// - Parameter hits: selects `session` and `message`, the newest of each session that has all words.
        init(hits: String, _ arguments: StatementArguments) {
            prefix = "WITH hits AS (\(hits)) "
            prefixArguments = arguments
            join = "LEFT JOIN hits h ON h.session = s.row"
        }

        mutating func `where`(_ condition: String, _ values: StatementArguments) {
            conditions.append("(\(condition))")
            arguments += values
        }

        func fetch(limit: Int, in database: Database) throws -> [Row] {
            let sql = """
                \(prefix)SELECT \(SessionStore.sessionColumns), \(join.isEmpty ? "NULL" : "h.message") AS hit
                FROM session s \(join) WHERE \(conditions.joined(separator: " AND ")) ORDER BY s.updated_at DESC, s.row DESC LIMIT ?
                """
            return try Row.fetchAll(database, sql: sql, arguments: prefixArguments + arguments + [limit])
        }
    }

    /// Words of three characters and more are looked up in the index of trigrams; shorter ones (in Chinese most words are) are compared with
    /// the texts themselves.
    private static func query(_ words: [String], _ owner: String, in database: Database) throws -> Query {
        let isIndexed = try database.tableExists("message_text")
        let long = isIndexed ? words.filter { $0.unicodeScalars.count >= 3 } : []
        var conditions = ["s.owner = ?"]
        var arguments: StatementArguments = [owner]
        if !long.isEmpty {
            conditions.append("m.row IN (SELECT rowid FROM message_text WHERE message_text MATCH ?)")
            arguments += [long.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: " AND ")]
        }
        for word in words where !long.contains(word) {
            conditions.append(#"m.content LIKE ? ESCAPE '\'"#)
            arguments += [pattern(word)]
        }
        var query = Query(
            hits: """
                SELECT m.session AS session, max(m.row) AS message FROM message m JOIN session s ON s.row = m.session
                WHERE \(conditions.joined(separator: " AND ")) GROUP BY m.session
                """,
            arguments
        )
        let title = words.map { _ in #"s.title LIKE ? ESCAPE '\'"# }.joined(separator: " AND ")
        query.where("h.session IS NOT NULL OR (\(title))", StatementArguments(words.map(pattern)))
        return query
    }

    private static func pattern(_ word: String) -> String {
        var escaped = ""
        for character in word.unicodeScalars {
            if "%_\\".unicodeScalars.contains(character) { escaped += "\\" }
            escaped.unicodeScalars.append(character)
        }
        return "%\(escaped)%"
    }

    /// Some 80 characters around the first of the words; the title where no message has them.
    private static func snippet(_ message: Int64?, _ title: String, _ words: [String], in database: Database) throws -> String {
        guard let message,
            let text = try String.fetchOne(database, sql: "SELECT content FROM message WHERE row = ?", arguments: [message])
        else { return title }
        return excerpt(of: text, words)
    }

    static func excerpt(of text: String, _ words: [String]) -> String {
        let found = words.compactMap { text.range(of: $0, options: .caseInsensitive) }.min { $0.lowerBound < $1.lowerBound }
        let match = found ?? text.startIndex..<text.startIndex
        let start = text.index(match.lowerBound, offsetBy: -40, limitedBy: text.startIndex) ?? text.startIndex
        let end = text.index(match.upperBound, offsetBy: 60, limitedBy: text.endIndex) ?? text.endIndex
        let line = text[start..<end].split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return (start > text.startIndex ? "…" : "") + line + (end < text.endIndex ? "…" : "")
    }
}
