import Foundation
import Logging
import StellarInference

/// Everything that is wrong with the settings, one line each.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    public var problems: [String]

    public init(problems: [String]) {
        self.problems = problems
    }

    public var description: String { problems.joined(separator: "\n") }
}

extension ServerSettings {
    /// Reads and checks all settings. A value that is empty or blank counts as absent.
    ///
    /// - Parameter value: The text of a setting by its ``SettingName`` (or a name of ``SettingName/unsupported``), `nil` where it is not set.
    /// - Throws: All problems at once, each with the setting's name, its value and what is allowed.
    public init(reading value: @escaping (String) -> String?) throws(SettingsError) {
        self.init()
        var reader = SettingsReader(value: value)
        reader.text(.modelPath) { modelPath = $0 }
        reader.text(.host) { host = $0 }
        reader.integer(.port, in: 0...65535) { port = $0 }
        reader.integer(.threads, in: 1...1024, orAuto: true) { threads = $0 }
        reader.choice(.precision, of: LanguageModel.Precision.self) { precision = $0 }
        reader.choice(.device, of: Device.self) { device = $0 }
        reader.integer(.contextLength, in: 16...(1 << 24), orAuto: true) { contextLength = $0 }
        reader.integer(.maxBatch, in: 1...4096, orAuto: true) { maxBatch = $0 }
        reader.integer(.maxQueue, in: 0...1_000_000) { maxQueue = $0 }
        reader.origins(.corsAllowedOrigins) { corsAllowedOrigins = $0 }
        reader.choice(.logLevel, of: Logger.Level.self) { logLevel = $0 }
        reader.choice(.logFormat, of: LogFormat.self) { logFormat = $0 }
        reader.text(.logFile) { logFile = $0 }
        reader.integer(.logFileSize, in: 0...1_000_000) { logFileSize = $0 }
        reader.integer(.logFileCount, in: 0...1000) { logFileCount = $0 }
        reader.integer(.logPrompts, in: 0...1) { logPrompts = $0 == 1 }
        reader.integer(.requestTimeout, in: 0...86_400) { requestTimeout = $0 }
        reader.integer(.writeTimeout, in: 1...86_400) { writeTimeout = $0 }
        reader.directory(.webRoot) { webRoot = $0 }
        reader.refuseUnsupported()
        guard reader.problems.isEmpty else { throw SettingsError(problems: reader.problems) }
    }
}

/// Reads one setting after the other and collects what is wrong.
private struct SettingsReader {
    let value: (String) -> String?
    private(set) var problems: [String] = []

    init(value: @escaping (String) -> String?) {
        self.value = value
    }

    private func read(_ name: String) -> String? {
        let text = value(name)?.trimmingCharacters(in: .whitespacesAndNewlines)
        return text?.isEmpty == false ? text : nil
    }

    private mutating func complain(_ name: SettingName, _ text: String, allowed: String) {
        problems.append("\(name.rawValue) (\(name.flag)) is \"\(text)\", but must be \(allowed).")
    }

    mutating func text(_ name: SettingName, _ assign: (String) -> Void) {
        guard let text = read(name.rawValue) else { return }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            complain(name, text.debugDescription, allowed: "text without control characters")
        } else {
            assign(text)
        }
    }

    mutating func integer(_ name: SettingName, in range: ClosedRange<Int>, orAuto: Bool = false, _ assign: (Int) -> Void) {
        guard let text = read(name.rawValue), !(orAuto && text == "auto") else { return }
        if let number = Int(text), range.contains(number) {
            assign(number)
        } else {
            let allowed = "a whole number from \(range.lowerBound) to \(range.upperBound)"
            complain(name, text, allowed: orAuto ? "auto or " + allowed : allowed)
        }
    }

    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: SettingName,
        of type: Choice.Type,
        _ assign: (Choice) -> Void
    ) {
        guard let text = read(name.rawValue) else { return }
        if let choice = Choice(rawValue: text.lowercased()) {
            assign(choice)
        } else {
            complain(name, text, allowed: "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
    }

    mutating func origins(_ name: SettingName, _ assign: ([String]) -> Void) {
        guard let text = read(name.rawValue) else { return }
        let origins = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        if origins.allSatisfy({ $0 == "*" || OriginPolicy.isOrigin($0) }) {
            assign(origins)
        } else {
            complain(name, text, allowed: "a comma-separated list of origins such as https://chat.example (no path), or *")
        }
    }

    mutating func directory(_ name: SettingName, _ assign: (String) -> Void) {
        guard let path = read(name.rawValue) else { return }
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
            assign(path)
        } else {
            complain(name, path, allowed: "a directory that exists")
        }
    }

    mutating func refuseUnsupported() {
        for name in SettingName.unsupported where read(name) != nil {
            problems.append("\(name) is set, but this version does not support it and would ignore it. Unset it.")
        }
    }
}
