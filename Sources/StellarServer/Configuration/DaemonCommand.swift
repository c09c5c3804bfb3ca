/// What `stellarchatd` does besides serving: work on its database, also while a daemon runs.
public enum DaemonCommand: Sendable, Equatable {
    case backup(file: String)
    /// - owner: the id of an API key; empty: sessions that were made without one.
    case exportSessions(file: String, owner: String)
    case importSessions(file: String, owner: String)
    case createKey(name: String, isAdmin: Bool)
    case listKeys
    case activateKey(id: String)
    case deactivateKey(id: String)
    case deleteKey(id: String)

    /// Every command with its words, as `--help` shows it.
    static let help = """
          stellarchatd backup FILE                    copies the database into a new file
          stellarchatd sessions export FILE [KEY-ID]  writes sessions (of an API key) as JSON; - is the standard output
          stellarchatd sessions import FILE [KEY-ID]  reads them; - is the standard input
          stellarchatd keys create [NAME]             makes an API key and prints it
          stellarchatd keys create-admin [NAME]       makes one that may manage keys
          stellarchatd keys list
          stellarchatd keys activate|deactivate|delete ID
        """

    /// - Parameter words: what the command line says besides options; not empty.
    /// - Throws: What is wrong with it.
    init(words: [String]) throws(SettingsError) {
        let rest = Array(words.dropFirst(2))
        switch (words.first ?? "", words.count > 1 ? words[1] : nil, rest.count) {
        case ("backup", let file?, 0): self = .backup(file: file)
        case ("sessions", "export", 1...2): self = .exportSessions(file: rest[0], owner: rest.count > 1 ? rest[1] : "")
        case ("sessions", "import", 1...2): self = .importSessions(file: rest[0], owner: rest.count > 1 ? rest[1] : "")
        case ("keys", "create", 0...1): self = .createKey(name: rest.first ?? "", isAdmin: false)
        case ("keys", "create-admin", 0...1): self = .createKey(name: rest.first ?? "", isAdmin: true)
        case ("keys", "list", 0): self = .listKeys
        case ("keys", "activate", 1): self = .activateKey(id: rest[0])
        case ("keys", "deactivate", 1): self = .deactivateKey(id: rest[0])
        case ("keys", "delete", 1): self = .deleteKey(id: rest[0])
        default:
            throw SettingsError(problems: [
                "\"\(words.joined(separator: " "))\" is no command. The commands are:", Self.help,
            ])
        }
    }
}
