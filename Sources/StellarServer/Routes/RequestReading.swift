import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import StellarProtocol

/// The parameters of a request's query; of one that is repeated the first counts. A plus sign is a space, as HTML forms write it.
struct QueryParameters: Sendable {
    private let values: [String: String]

    init(_ query: String?) {
        let pairs = (query ?? "").split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decoded(parts[0]), parts.count > 1 ? Self.decoded(parts[1]) : "")
        }
        values = Dictionary(pairs) { first, _ in first }
    }

    private static func decoded(_ text: Substring) -> String {
        let spaced = String(text).replacing("+", with: " ")
        return spaced.removingPercentEncoding ?? spaced
    }

    subscript(name: String) -> String? {
        values[name]
    }

    /// A whole number.
    ///
    /// - Throws: 400 for anything else.
    func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(APIError) -> Int {
        guard let text = values[name] else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            throw .invalidRequest(
                "'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound).",
                param: name,
                code: "invalid_value"
            )
        }
        return number
    }
}

extension Request {
    var query: QueryParameters { QueryParameters(uri.query) }

    /// The body as a value, whatever content type it claims to have. One that announces too many bytes is refused before any is read.
    ///
    /// - Throws: ``APIError`` 400 or 413.
    func decode<Value: Decodable>(_ type: Value.Type, limit: Int) async throws -> Value {
        if let announced = headers[.contentLength].flatMap(Int.init), announced > limit { throw APIError.bodyTooLarge(limit: limit) }
        do {
            return try JSONCoding.decode(type, from: try await body.collect(upTo: limit).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw APIError.bodyTooLarge(limit: limit)
        }
    }
}

extension RequestContext {
    /// A part of the path.
    func path(_ name: String) throws -> String {
        let text = try parameters.require(name)
        return text.removingPercentEncoding ?? text
    }
}
