public import Foundation
public import Logging

/// Writes each log message as one line of text: time, level, logger, message, and metadata in the order of its keys.
public struct TextLogHandler: LogHandler {
    public var metadata = Logger.Metadata()
    public var logLevel = Logger.Level.info
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let write: @Sendable (Data) -> Void

    /// - Parameter write: Takes a whole line.
    public init(label: String, write: @escaping @Sendable (Data) -> Void) {
        self.label = label
        self.write = write
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var fields = (metadataProvider?.get() ?? [:]).merging(metadata) { $1 }.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { fields["error"] = "\(error)" }
        var line = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        line += " \(event.level.rawValue) \(label):"
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        line += " \(event.message)"
        write(Data(Self.oneLine(line).utf8))
    }

    /// Line breaks inside a message could be taken for further messages.
    private static func oneLine(_ text: String) -> String {
        text.replacing("\r", with: "\\r").replacing("\n", with: "\\n") + "\n"
    }
}
