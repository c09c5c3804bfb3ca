/// What a series means: the text of its `# HELP` line and, for a histogram, its bucket bounds.
public struct MetricDescription: Sendable, Equatable {
    public var help: String
    /// Upper bounds, ascending, without +Inf; `nil` takes the registry's default.
    public var buckets: [Double]?

    public init(_ help: String, buckets: [Double]? = nil) {
        self.help = help
        self.buckets = buckets
    }
}

/// The kinds of the Prometheus text format that the registry knows.
enum MetricKind: String, Sendable {
    case counter
    case gauge
    case histogram
}

/// Names and labels in the form that Prometheus allows.
package enum MetricName {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`; everything else becomes an underscore.
    package static func sanitised(_ name: String) -> String {
        sanitise(name, allowsColon: true)
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`.
    package static func sanitisedLabel(_ name: String) -> String {
        sanitise(name, allowsColon: false)
    }

    private static func sanitise(_ name: String, allowsColon: Bool) -> String {
        var result = String()
        result.reserveCapacity(name.utf8.count)
        for scalar in name.unicodeScalars {
            let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || (allowsColon && scalar == ":")
            let isDigit = ("0"..."9").contains(scalar)
            if isDigit && result.isEmpty { result.append("_") }
            result.unicodeScalars.append(isLetter || isDigit ? scalar : "_")
        }
        return result.isEmpty ? "_" : result
    }

    /// `{a="1",b="2"}` with names sorted and values escaped, or nothing: the same labels in any order are one series.
    package static func renderedLabels(_ labels: [(String, String)]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.map { (sanitisedLabel($0.0), $0.1) }.sorted { $0 < $1 }
        return "{" + pairs.map { "\($0.0)=\"\(escapedValue($0.1))\"" }.joined(separator: ",") + "}"
    }

    static func escapedValue(_ value: String) -> String {
        escape(value, quotes: true)
    }

    static func escapedHelp(_ help: String) -> String {
        escape(help, quotes: false)
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var result = String()
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
