import Foundation
public import Logging
public import StellarInference

/// The daemon's settings, checked.
public struct ServerSettings: Sendable, Equatable {
    /// How log lines look.
    public enum LogFormat: String, Sendable, CaseIterable {
        case text
        /// One JSON object a line.
        case json
    }

    /// Where the model is computed.
    public enum Device: String, Sendable, CaseIterable {
        case auto
        case cpu
    }

    public var modelPath = "./models/test/SmolLM-135M-Instruct"
    public var host = "0.0.0.0"
    /// 0 lets the system choose a free port.
    public var port = 8080
    /// `nil`: as many as the process may use.
    public var threads: Int?
    public var precision = LanguageModel.Precision.auto
    public var device = Device.auto
    /// Form of the keys and values of past tokens.
    public var cacheType = EngineConfiguration.CacheType.auto
    /// Longest sequence in tokens; `nil`: the model's.
    public var contextLength: Int?
    /// Most sequences in one step; `nil`: chosen by the engine.
    public var maxBatch: Int?
    /// Most requests that wait for a place.
    public var maxQueue = 64
    /// Prompts never go through BLAS, so that replies depend on nothing but the request.
    public var reproducible = false
    /// Origins of other web pages that may use the API.
    public var corsAllowedOrigins = ["http://localhost:5173"]
    /// Names under which browsers may reach the server while no key is asked for.
    public var allowedHosts: [String] = []
    /// Keys of API_KEYS, API_KEYS_FILE and ADMIN_API_KEY.
    public var apiKeys: [ConfiguredKey] = []
    public var rateLimit: RateLimit?
    /// Proxies whose headers tell the client's address.
    public var trustedProxies: [NetworkRange] = []
    public var metricsArePublic = false
    public var storesSessions = true
    /// Directory of the database; `nil`: neither DATA_DIR nor a home directory is known.
    public var dataDirectory: String?
    public var logLevel = Logger.Level.info
    public var logFormat = LogFormat.text
    /// `nil`: standard output alone.
    public var logFile: String?
    /// Megabytes; 0: no limit.
    public var logFileSize = 64
    public var logFileCount = 5
    public var logPrompts = false
    /// Seconds; 0: no limit.
    public var requestTimeout = 600
    /// Seconds.
    public var writeTimeout = 60
    /// The built web chat; `nil`: `web` beside the program, else `frontend/dist`.
    public var webRoot: String?
    /// `nil`: connections are not encrypted.
    public var tls: TLSFiles?

    public init() {}

    /// Whether only programs of this machine can reach the server.
    public var isLoopbackOnly: Bool {
        host == "localhost" || host == "::1" || host == "[::1]" || host.hasPrefix("127.")
    }

    /// What the engine takes of the settings.
    public var engineConfiguration: EngineConfiguration {
        EngineConfiguration(
            contextLength: contextLength,
            maxBatch: maxBatch,
            maxQueue: maxQueue,
            threads: threads,
            cacheType: cacheType,
            reproducible: reproducible
        )
    }

    /// What the loader takes of the settings.
    public var loadOptions: LanguageModel.LoadOptions {
        LanguageModel.LoadOptions(precision: precision, threads: threads)
    }
}
