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
    /// - Parameter value: The text of a setting by its ``SettingName``, `nil` where it is not set.
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
        reader.choice(.kvCache, of: EngineConfiguration.CacheType.self) { cacheType = $0 }
        reader.integer(.contextLength, in: 16...(1 << 24), orAuto: true) { contextLength = $0 }
        reader.integer(.maxBatch, in: 1...4096, orAuto: true) { maxBatch = $0 }
        reader.integer(.maxQueue, in: 0...1_000_000) { maxQueue = $0 }
        reader.switch(.reproducible) { reproducible = $0 }
        reader.origins(.corsAllowedOrigins) { corsAllowedOrigins = $0 }
        reader.list(.allowedHosts, of: { $0 }, allowed: "a comma-separated list of host names") { allowedHosts = $0 }
        reader.keys { apiKeys = $0 }
        reader.parsed(.rateLimit, as: { RateLimit($0) }, allowed: "such as requests=60,tokens=20000; either may be left out") {
            rateLimit = $0
        }
        reader.list(
            .trustedProxies,
            of: { NetworkRange($0) },
            allowed: "a comma-separated list of addresses and ranges such as 10.0.0.0/8 or ::1"
        ) { trustedProxies = $0 }
        reader.switch(.metricsPublic) { metricsArePublic = $0 }
        reader.switch(.sessions) { storesSessions = $0 }
        dataDirectory = Self.defaultDataDirectory(value)
        reader.text(.dataDirectory) { dataDirectory = $0 }
        reader.choice(.logLevel, of: Logger.Level.self) { logLevel = $0 }
        reader.choice(.logFormat, of: LogFormat.self) { logFormat = $0 }
        reader.text(.logFile) { logFile = $0 }
        reader.integer(.logFileSize, in: 0...1_000_000) { logFileSize = $0 }
        reader.integer(.logFileCount, in: 0...1000) { logFileCount = $0 }
        reader.integer(.logPrompts, in: 0...1) { logPrompts = $0 == 1 }
        reader.integer(.requestTimeout, in: 0...86_400) { requestTimeout = $0 }
        reader.integer(.writeTimeout, in: 1...86_400) { writeTimeout = $0 }
        reader.directory(.webRoot) { webRoot = $0 }
        reader.tls { tls = $0 }
        guard reader.problems.isEmpty else { throw SettingsError(problems: reader.problems) }
    }
}

extension ServerSettings {
    /// Source: XDG Base Directory Specification, which ignores paths that are not absolute.
    private static func defaultDataDirectory(_ value: (String) -> String?) -> String? {
        if let data = value("XDG_DATA_HOME"), data.hasPrefix("/") { return data + "/stellarchat" }
        guard let home = value("HOME"), home.hasPrefix("/") else { return nil }
        return home + "/.local/share/stellarchat"
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

    /// A comma-separated list.
    mutating func list<Element>(_ name: SettingName, of parse: (String) -> Element?, allowed: String, _ assign: ([Element]) -> Void) {
        guard let text = read(name.rawValue) else { return }
        let parts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        let elements = parts.compactMap(parse)
        if elements.count == parts.count { assign(elements) } else { complain(name, text, allowed: allowed) }
    }

    mutating func parsed<Value>(_ name: SettingName, as parse: (String) -> Value?, allowed: String, _ assign: (Value) -> Void) {
        guard let text = read(name.rawValue) else { return }
        if let value = parse(text) { assign(value) } else { complain(name, text, allowed: allowed) }
    }

    mutating func `switch`(_ name: SettingName, _ assign: (Bool) -> Void) {
        guard let text = read(name.rawValue) else { return }
        switch text.lowercased() {
        case "1", "on", "true", "yes": assign(true)
        case "0", "off", "false", "no": assign(false)
        default: complain(name, text, allowed: "on or off")
        }
    }

    /// All keys. What is wrong with one is told without the key.
    mutating func keys(_ assign: ([ConfiguredKey]) -> Void) {
        let rule = "8 to 256 printable ASCII characters without spaces and commas"
        var keys: [ConfiguredKey] = []
        for (name, isAdmin) in [(SettingName.apiKeys, false), (.adminAPIKey, true)] {
            let given = (read(name.rawValue) ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            if !given.allSatisfy(ConfiguredKey.isValid) || (isAdmin && given.count > 1) || (given.isEmpty && read(name.rawValue) != nil) {
                problems.append("\(name.rawValue) (\(name.flag)) has a value that can't be used: a key is \(rule).")
            }
            keys += given.map { ConfiguredKey($0, isAdmin: isAdmin) }
        }
        if let path = read(SettingName.apiKeysFile.rawValue) {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                return complain(.apiKeysFile, path, allowed: "a text file that can be read")
            }
            let file = ConfiguredKey.parse(file: text)
            if !file.wrongLines.isEmpty {
                let lines = file.wrongLines.map(String.init).joined(separator: ", ")
                problems.append("API_KEYS_FILE \(path), line \(lines): a line is a key (\(rule)), and admin may follow it.")
            }
            if file.keys.isEmpty, file.wrongLines.isEmpty {
                // Someone who names a file wants the server to be closed.
                problems.append("API_KEYS_FILE \(path) has no key. Write one into it, or unset the setting.")
            }
            keys += file.keys
        }
        assign(keys)
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

    /// Reads the files too: what is wrong with them is told together with everything else.
    mutating func tls(_ assign: (TLSFiles) -> Void) {
        let names = (certificate: SettingName.tlsCertificate, key: SettingName.tlsPrivateKey)
        switch (read(names.certificate.rawValue), read(names.key.rawValue)) {
        case (nil, nil): break
        case (let certificate?, let key?):
            let files = TLSFiles(certificate: certificate, privateKey: key)
            do {
                _ = try files.load()
                assign(files)
            } catch {
                problems += error.problems
            }
        case (.some, nil): problems.append("\(names.certificate.rawValue) is set, but \(names.key.rawValue) is not. TLS needs both.")
        case (nil, .some): problems.append("\(names.key.rawValue) is set, but \(names.certificate.rawValue) is not. TLS needs both.")
        }
    }
}
