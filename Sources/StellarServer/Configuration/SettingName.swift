/// The names of all settings: as environment variables, and in lower case with dashes as flags.
public enum SettingName: String, CaseIterable, Sendable {
    case modelPath = "MODEL_PATH"
    case host = "HOST"
    case port = "PORT"
    case threads = "THREADS"
    case precision = "PRECISION"
    case device = "DEVICE"
    case kvCache = "KV_CACHE"
    case contextLength = "CONTEXT_LENGTH"
    case maxBatch = "MAX_BATCH"
    case maxQueue = "MAX_QUEUE"
    case reproducible = "REPRODUCIBLE"
    case corsAllowedOrigins = "CORS_ALLOWED_ORIGINS"
    case allowedHosts = "ALLOWED_HOSTS"
    case apiKeys = "API_KEYS"
    case apiKeysFile = "API_KEYS_FILE"
    case adminAPIKey = "ADMIN_API_KEY"
    case rateLimit = "RATE_LIMIT"
    case trustedProxies = "TRUSTED_PROXIES"
    case metricsPublic = "METRICS_PUBLIC"
    case sessions = "SESSIONS"
    case dataDirectory = "DATA_DIR"
    case logLevel = "LOG_LEVEL"
    case logFormat = "LOG_FORMAT"
    case logFile = "LOG_FILE"
    case logFileSize = "LOG_FILE_SIZE"
    case logFileCount = "LOG_FILE_COUNT"
    case logPrompts = "LOG_PROMPTS"
    case requestTimeout = "REQUEST_TIMEOUT"
    case writeTimeout = "WRITE_TIMEOUT"
    case webRoot = "WEB_ROOT"
    case tlsCertificate = "TLS_CERTIFICATE"
    case tlsPrivateKey = "TLS_PRIVATE_KEY"

    /// `--model-path`.
    public var flag: String {
        "--" + rawValue.lowercased().replacing("_", with: "-")
    }

    /// `model.path`: the key under which swift-configuration finds the environment variable.
    public var key: String {
        rawValue.lowercased().replacing("_", with: ".")
    }

    /// One line of the help text.
    public var explanation: String {
        switch self {
        case .modelPath: "a .gguf file, or a directory that holds one (./models/test/SmolLM-135M-Instruct)"
        case .host: "address to listen on (0.0.0.0)"
        case .port: "port to listen on; 0 takes a free one (8080)"
        case .threads: "compute threads (as many as the process may use)"
        case .precision: "auto, fp32, fp16 or bf16 (auto)"
        case .device: "auto or cpu (auto)"
        case .kvCache: "form of the keys and values of past tokens: auto, f32, f16 or q8 (auto)"
        case .contextLength: "longest prompt and reply together, in tokens (the model's)"
        case .maxBatch: "most replies generated at the same time (auto)"
        case .maxQueue: "most requests that wait for their turn (64)"
        case .reproducible: "1: same request and seed, same reply, whatever BLAS is installed (0)"
        case .corsAllowedOrigins: "comma-separated origins of other web pages that may use the API (http://localhost:5173)"
        case .allowedHosts: "comma-separated names under which browsers may reach the server while it asks for no key (*.example.com, *)"
        case .apiKeys: "comma-separated keys, one of which every request must have (none)"
        case .apiKeysFile: "file of such keys, one a line; admin may follow a key (none)"
        case .adminAPIKey: "a key that may also make and revoke keys (none)"
        case .rateLimit: "limits a minute for each key or address, such as requests=60,tokens=20000 (none)"
        case .trustedProxies: "comma-separated addresses and ranges whose X-Forwarded-For is believed (none)"
        case .metricsPublic: "1: /metrics needs no key (0)"
        case .sessions: "on, or off: store no sessions and use no database (on)"
        case .dataDirectory: "directory of the database (XDG_DATA_HOME/stellarchat, ~/.local/share/stellarchat)"
        case .logLevel: "trace, debug, info, notice, warning, error or critical (info)"
        case .logFormat: "text or json (text)"
        case .logFile: "file to write the log to, beside standard output"
        case .logFileSize: "megabytes after which a new log file is begun; 0: never (64)"
        case .logFileCount: "older log files that are kept (5)"
        case .logPrompts: "1 writes prompts and replies to the log (0)"
        case .requestTimeout: "seconds that a reply may take; 0: as long as it takes (600)"
        case .writeTimeout: "seconds that a client may take nothing of its answer (60)"
        case .webRoot: "directory of the built web chat (beside the program, or frontend/dist)"
        case .tlsCertificate: "PEM file of the server's certificate and those above it: serves https and wss; read again on SIGHUP (none)"
        case .tlsPrivateKey: "PEM file of its private key (none)"
        }
    }
}
