import Configuration
import Foundation
import Logging
import Metrics
import ServiceLifecycle
import StellarProtocol
import StellarServer
import UnixSignals

/// `stellarchatd`: reads the settings, loads the model and serves it until it is told to stop.
@main
struct Daemon {
    /// `EX_CONFIG` of sysexits.h: trying again without changing something makes no sense.
    private static let configurationExitCode: Int32 = 78
    /// Replies that run when the daemon is told to stop have this long to finish.
    private static let drainTime = Duration.seconds(30)

    static func main() async {
        // A client that goes away while it is written to is an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        // So is a limit on the size of files, which the database may run into.
        signal(SIGXFSZ, SIG_IGN)
        do throws(SettingsError) {
            switch try CommandLineFlags.parse(CommandLine.arguments.dropFirst()) {
            case .help: print(CommandLineFlags.helpText)
            case .version: print("stellarchatd \(BuildInformation.version)")
            case .perform(let command, let flags): exit(await DatabaseTool.run(command, try Self.settings(flags: flags)))
            case .run(let flags): exit(try await Daemon(settings: Self.settings(flags: flags)).run())
            }
        } catch {
            try? FileHandle.standardError.write(contentsOf: Data("stellarchatd can't start:\n\(error)\n".utf8))
            exit(configurationExitCode)
        }
    }

    /// Flags, then environment variables, then defaults.
    private static func settings(flags: [SettingName: String]) throws(SettingsError) -> ServerSettings {
        let given = flags.map { (AbsoluteConfigKey(ConfigKey($0.key.key)), ConfigValue(stringLiteral: $0.value)) }
        let reader = ConfigReader(providers: [
            InMemoryProvider(name: "flags", values: Dictionary(uniqueKeysWithValues: given)), EnvironmentVariablesProvider(),
        ])
        return try ServerSettings { name in
            reader.string(forKey: ConfigKey(name.lowercased().replacing("_", with: ".")))
        }
    }

    private let settings: ServerSettings
    private let logger: Logger
    private let metrics = ServerMetrics()
    private let holder = BackendHolder()

    private let logFile: LogFile?
    private let tls: TLSIdentity?

    /// - Throws: ``SettingsError`` if the log file can't be written or the certificate can't be used.
    private init(settings: ServerSettings) throws(SettingsError) {
        self.settings = settings
        let file = try Self.openLogFile(settings)
        logFile = file
        tls = try settings.tls.map { (files) throws(SettingsError) in try TLSIdentity(files) }
        let format = settings.logFormat
        LoggingSystem.bootstrap { label in
            let write: @Sendable (Data) -> Void = { line in
                try? FileHandle.standardOutput.write(contentsOf: line)
                file?.write(line)
            }
            var handler: any LogHandler =
                switch format {
                case .text: TextLogHandler(label: label, write: write)
                case .json: JSONLogHandler(label: label, write: write)
                }
            handler.logLevel = settings.logLevel
            return handler
        }
        MetricsSystem.bootstrap(RegistryMetricsFactory(registry: metrics.registry))
        logger = Logger(label: "stellarchatd")
    }

    private static func openLogFile(_ settings: ServerSettings) throws(SettingsError) -> LogFile? {
        guard let path = settings.logFile else { return nil }
        do {
            return try LogFile(.init(path: path, maxSize: settings.logFileSize << 20, keptFiles: settings.logFileCount))
        } catch {
            throw SettingsError(problems: [
                "LOG_FILE (--log-file) is \"\(path)\", but must be a file that can be written: \(error.localizedDescription)"
            ])
        }
    }

    /// Runs until a signal or a failure.
    ///
    /// - Returns: The process's exit code.
    private func run() async -> Int32 {
        logger.notice("StellarChat \(BuildInformation.version)", metadata: ["pid": "\(ProcessInfo.processInfo.processIdentifier)"])
        let storage: Storage?
        do {
            storage = try await openStorage()
        } catch {
            logger.critical("\(error)")
            return 1
        }
        let code = await serve(storage)
        await storage?.sessions.finish()
        storage?.database.close()
        return code
    }

    private func serve(_ storage: Storage?) async -> Int32 {
        let keys: KeyRing
        do {
            keys = try await KeyRing.load(configured: settings.apiKeys, store: storage?.keys)
        } catch {
            logger.critical("The API keys can't be read from the database", metadata: ["error": "\(error)"])
            return 1
        }
        warnIfExposed(keys)
        let model = ModelService(settings: settings, holder: holder, metrics: metrics, logger: logger)
        let server = ChatServerService(
            ChatServer(
                configuration: serverConfiguration(keys),
                holder: holder,
                sessions: storage?.sessions,
                keys: storage?.keys,
                metrics: metrics,
                logger: logger
            )
        ) { [logger, settings] port in
            let scheme = settings.tls == nil ? "http" : "https"
            logger.notice("Listening", metadata: ["address": "\(scheme)://\(settings.displayHost):\(port)"])
        }
        // Services stop in reverse order: the server drains while the model still computes.
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: KeyWatch(keys, logger: logger)),
                .init(service: model, failureTerminationBehavior: .gracefullyShutdownGroup), .init(service: server),
                .init(service: SystemdNotifier(holder: holder, logger: logger)),
            ],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = Self.drainTime
        return await run(ServiceGroup(configuration: configuration))
    }

    private func run(_ group: ServiceGroup) async -> Int32 {
        let running = Task { try await group.run() }
        let signals = Task { [logger] in
            var count = 0
            for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                count += 1
                switch count {
                case 1:
                    logger.notice(
                        "Stopping: running replies may finish",
                        metadata: ["signal": "\(signal)", "seconds": "\(Self.drainTime.components.seconds)"]
                    )
                    await group.triggerGracefulShutdown()
                case 2:
                    logger.notice("Stopping now", metadata: ["signal": "\(signal)"])
                    running.cancel()
                default: exit(130)
                }
            }
        }
        let reloading = Task {
            for await _ in await UnixSignalsSequence(trapping: .sighup) { reload() }
        }
        defer {
            signals.cancel()
            reloading.cancel()
        }
        do {
            try await running.value
        } catch is CancellationError {
            logger.notice("Replies were cut short")
        } catch let failure as ModelLoadError {
            logger.critical("\(failure)")
            return 1
        } catch {
            let listening = ListenError(error, host: settings.host, port: settings.port)
            logger.critical("\(listening?.description ?? "The server failed: \(error)")")
            return 1
        }
        logger.notice("Stopped")
        return 0
    }

    /// Opens the log file anew, and reads the certificate again.
    private func reload() {
        do {
            try logFile?.reopen()
            logger.notice("Log file reopened")
        } catch {
            logger.error("The log file can't be reopened", metadata: ["error": "\(error)"])
        }
        guard let tls else { return }
        do {
            try tls.reload()
            logger.notice("Certificate reloaded", metadata: ["valid_until": "\(tls.validUntil.formatted(.iso8601))"])
        } catch {
            logger.error("The certificate can't be reloaded: the one in use stays", metadata: ["error": "\(error)"])
        }
    }

    /// What is kept in the database.
    private struct Storage {
        let database: StorageDatabase
        let sessions: SessionStore
        let keys: KeyStore
    }

    /// - Throws: If the database can't be used; then the daemon does not run, unless it is told not to want it.
    private func openStorage() async throws -> Storage? {
        guard settings.storesSessions else {
            logger.notice("Sessions are not stored (SESSIONS=off)")
            return nil
        }
        do {
            let database = try StorageDatabase(directory: settings.requiredDataDirectory, logger: logger)
            let sessions = SessionStore(database)
            let interrupted = try await sessions.recover()
            logger.notice("Database opened", metadata: ["path": "\(database.path)", "replies_cut_short": "\(interrupted)"])
            return Storage(database: database, sessions: sessions, keys: KeyStore(database))
        } catch {
            throw StorageError("\((error as? APIError)?.message ?? "\(error)") SESSIONS=off runs without a database.")
        }
    }

    private func serverConfiguration(_ keys: KeyRing) -> ChatServer.Configuration {
        var configuration = ChatServer.Configuration()
        configuration.host = settings.host
        configuration.port = settings.port
        configuration.allowedOrigins = settings.corsAllowedOrigins
        configuration.access.keys = keys
        configuration.access.allowedHosts = settings.allowedHosts
        configuration.access.trustedProxies = settings.trustedProxies
        configuration.access.rateLimit = settings.rateLimit
        configuration.access.metricsArePublic = settings.metricsArePublic
        configuration.logsPrompts = settings.logPrompts
        configuration.requestTimeout = settings.requestTimeout > 0 ? .seconds(settings.requestTimeout) : nil
        configuration.writeTimeout = .seconds(settings.writeTimeout)
        configuration.tls = tls
        configuration.webRoot = WebRoot.find(configured: settings.webRoot)
        if configuration.webRoot == nil {
            logger.warning("There is no web chat: neither WEB_ROOT nor frontend/dist has an index.html. The API works without it.")
        }
        return configuration
    }

    private func warnIfExposed(_ keys: KeyRing) {
        guard !settings.isLoopbackOnly, !keys.isRequired else { return }
        logger.warning(
            """
            ANYONE WHO CAN REACH THIS MACHINE CAN USE THE MODEL: HOST is \(settings.host) and no API key is set. \
            API_KEYS sets some, HOST=127.0.0.1 restricts it to this machine.
            """
        )
    }
}

extension ServerSettings {
    /// - Throws: If no directory is known.
    var requiredDataDirectory: String {
        get throws(StorageError) {
            guard let dataDirectory else {
                throw StorageError("DATA_DIR must be set: there is no home directory to put the database into.")
            }
            return dataDirectory
        }
    }

    /// A host that a browser on this machine can open.
    fileprivate var displayHost: String {
        switch host {
        case "0.0.0.0", "::": "localhost"
        default: host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        }
    }
}
