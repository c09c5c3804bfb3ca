/// What the daemon's command line says.
public enum CommandLineFlags: Sendable, Equatable {
    /// Run with these settings; flags win over environment variables.
    case run([SettingName: String])
    /// Do something else with these settings.
    case perform(DaemonCommand, [SettingName: String])
    case help
    case version

    /// Reads `--name value` and `--name=value`, and the words of a command.
    ///
    /// - Parameter arguments: Without the program's name.
    /// - Throws: All problems at once.
    public static func parse(_ arguments: some Sequence<String>) throws(SettingsError) -> CommandLineFlags {
        var settings: [SettingName: String] = [:]
        var problems: [String] = []
        var words: [String] = []
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h": return .help
            case "--version": return .version
            default: break
            }
            guard argument.hasPrefix("--") else {
                words.append(argument)
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let setting = SettingName.allCases.first(where: { $0.flag == parts[0] }) else {
                problems.append("There is no option \(parts[0]). --help lists those that there are.")
                continue
            }
            if let value = parts.count > 1 ? parts[1] : rest.popFirst() {
                settings[setting] = value
            } else {
                problems.append("\(setting.flag) needs a value: \(setting.explanation).")
            }
        }
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
        return words.isEmpty ? .run(settings) : .perform(try DaemonCommand(words: words), settings)
    }

    /// The text of `--help`.
    public static var helpText: String {
        let width = (SettingName.allCases.map(\.flag.count).max() ?? 0) + 2
        let options = SettingName.allCases.map { name in
            "  " + name.flag + String(repeating: " ", count: width - name.flag.count) + name.explanation
        }
        return """
            Usage: stellarchatd [--name value]… [command]

            Serves a chat model over HTTP and WebSocket, with a web chat at /. With a command it works on its database instead, which a
            running daemon may be using:

            \(DaemonCommand.help)

            Each option is also an environment variable: --model-path is MODEL_PATH. Options win.

            \(options.joined(separator: "\n"))
              --version
              --help

            Exit codes: 0 after an orderly stop, 1 if the model can't be loaded or the port can't be opened or a command fails, 78 if a setting is wrong.
            """
    }
}
