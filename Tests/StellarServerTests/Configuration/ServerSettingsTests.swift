import Foundation
import Logging
import StellarInference
import StellarServer
import Testing

@Suite("Settings")
struct ServerSettingsTests {
    private func read(_ values: [String: String]) throws(SettingsError) -> ServerSettings {
        try ServerSettings { values[$0] }
    }

    @Test("Nothing set gives the documented defaults")
    func defaults() throws {
        let settings = try read([:])
        #expect(settings.modelPath == "./models/test/SmolLM-135M-Instruct")
        #expect(settings.host == "0.0.0.0")
        #expect(settings.port == 8080)
        #expect(settings.maxQueue == 64)
        #expect(settings.threads == nil)
        #expect(settings.corsAllowedOrigins == ["http://localhost:5173"])
        #expect(!settings.isLoopbackOnly)
    }

    @Test("Every value is read")
    func values() throws {
        let settings = try read([
            "MODEL_PATH": "/m.gguf", "HOST": "127.0.0.1", "PORT": " 99 ", "THREADS": "3", "PRECISION": "FP16", "DEVICE": "cpu",
            "CONTEXT_LENGTH": "1024", "MAX_BATCH": "auto", "MAX_QUEUE": "0", "CORS_ALLOWED_ORIGINS": "https://a.example, http://b:8080",
            "LOG_LEVEL": "debug", "LOG_FORMAT": "json", "WEB_ROOT": "/tmp", "API_KEYS": "first-key, second-key",
            "ADMIN_API_KEY": "admin-key",
            "RATE_LIMIT": "tokens=5,requests=2", "TRUSTED_PROXIES": "10.0.0.0/8, ::1", "ALLOWED_HOSTS": "a.example", "SESSIONS": "off",
            "DATA_DIR": "/data", "METRICS_PUBLIC": "1", "KV_CACHE": "q8",
        ])
        #expect(settings.port == 99)
        #expect(settings.loadOptions == LanguageModel.LoadOptions(precision: .fp16, threads: 3))
        #expect(settings.engineConfiguration == EngineConfiguration(contextLength: 1024, maxQueue: 0, threads: 3, cacheType: .q8))
        #expect(settings.corsAllowedOrigins == ["https://a.example", "http://b:8080"])
        #expect(settings.logLevel == .debug)
        #expect(settings.logFormat == .json)
        #expect(settings.webRoot == "/tmp")
        let admin = ConfiguredKey("admin-key", isAdmin: true)
        #expect(settings.apiKeys == [ConfiguredKey("first-key"), ConfiguredKey("second-key"), admin])
        #expect(settings.rateLimit == RateLimit(requests: 2, tokens: 5))
        #expect(settings.trustedProxies == [NetworkRange("10.0.0.0/8"), NetworkRange("::1")])
        #expect(settings.allowedHosts == ["a.example"])
        #expect(!settings.storesSessions && settings.metricsArePublic)
        #expect(settings.dataDirectory == "/data")
        #expect(settings.isLoopbackOnly)
    }

    @Test(
        "A wrong value is an error that names setting, value and what is allowed",
        arguments: [
            ("PORT", "70000", "0 to 65535"), ("PORT", "80a", "whole number"), ("THREADS", "0", "auto or"), ("PRECISION", "int8", "fp16"),
            ("DEVICE", "cuda", "auto, cpu"), ("KV_CACHE", "q4", "auto, f32, f16, q8"), ("CONTEXT_LENGTH", "-1", "whole number"),
            ("MAX_BATCH", "1e3", "whole number"),
            ("MAX_QUEUE", "many", "whole number"), ("CORS_ALLOWED_ORIGINS", "https://a.example/path", "no path"),
            ("LOG_LEVEL", "loud", "trace"), ("LOG_FORMAT", "xml", "text, json"), ("WEB_ROOT", "/does/not/exist", "directory"),
            ("RATE_LIMIT", "60", "requests=60"), ("RATE_LIMIT", "requests=1,requests=2", "requests=60"),
            ("TRUSTED_PROXIES", "10/8", "10.0.0.0/8"),
            ("API_KEYS_FILE", "/does/not/exist", "text file"), ("SESSIONS", "perhaps", "on or off"), ("METRICS_PUBLIC", "2", "on or off"),
        ]
    )
    func wrongValue(name: String, value: String, allowed: String) throws {
        let error = try #require(throws: SettingsError.self) { try read([name: value]) }
        #expect(error.problems.count == 1)
        #expect(error.description.contains(name) && error.description.contains(value) && error.description.contains(allowed))
    }

    @Test(
        "A key that can't be used is refused without being told",
        arguments: ["API_KEYS", "ADMIN_API_KEY"],
        ["short", ",", "has spaces"]
    )
    func wrongKey(name: String, value: String) throws {
        let error = try #require(throws: SettingsError.self) { try read([name: value]) }
        #expect(error.description.contains(name) && !error.description.contains("\"\(value)\""))
    }

    @Test("The database's directory follows the XDG specification, absolute paths only")
    func dataDirectory() throws {
        #expect(try read(["HOME": "/home/a"]).dataDirectory == "/home/a/.local/share/stellarchat")
        #expect(try read(["HOME": "/home/a", "XDG_DATA_HOME": "/x"]).dataDirectory == "/x/stellarchat")
        #expect(try read(["HOME": "/home/a", "XDG_DATA_HOME": "x"]).dataDirectory == "/home/a/.local/share/stellarchat")
        #expect(try read([:]).dataDirectory == nil)
    }

    @Test("Commands are told apart from settings")
    func commands() throws {
        #expect(try CommandLineFlags.parse(["backup", "f", "--data-dir", "/d"]) == .perform(.backup(file: "f"), [.dataDirectory: "/d"]))
        #expect(try CommandLineFlags.parse(["keys", "create"]) == .perform(.createKey(name: "", isAdmin: false), [:]))
        #expect(try CommandLineFlags.parse(["sessions", "export", "-", "k"]) == .perform(.exportSessions(file: "-", owner: "k"), [:]))
        for wrong in [["backup"], ["keys"], ["keys", "delete"], ["sessions", "export"], ["serve"], ["backup", "a", "b"]] {
            #expect(throws: SettingsError.self) { try CommandLineFlags.parse(wrong) }
        }
    }

    @Test("All problems are told at once")
    func allProblems() throws {
        let error = try #require(throws: SettingsError.self) { try read(["PORT": "x", "DEVICE": "tpu", "LOG_LEVEL": "?"]) }
        #expect(error.problems.count == 3)
    }

    @Test("A certificate comes with its key")
    func tls() throws {
        let made = try TestCertificate()
        try made.renew()
        let files = made.files
        let settings = try read(["TLS_CERTIFICATE": files.certificate, "TLS_PRIVATE_KEY": files.privateKey])
        #expect(settings.tls == files)
        for (name, path) in [("TLS_CERTIFICATE", files.certificate), ("TLS_PRIVATE_KEY", files.privateKey)] {
            let error = try #require(throws: SettingsError.self) { try read([name: path]) }
            #expect(error.problems.count == 1 && error.description.contains("needs both"))
        }
    }

    @Test("All that is wrong with a certificate and its key is told at once")
    func wrongTLS() throws {
        let (made, other) = (try TestCertificate(), try TestCertificate())
        try made.renew()
        try other.renew()
        let empty = FileManager.default.temporaryDirectory.appendingPathComponent("empty-\(UUID())")
        try Data().write(to: empty)
        defer { try? FileManager.default.removeItem(at: empty) }
        let (files, foreign) = (made.files, other.files)
        let cases: [(certificate: String, key: String, problems: Int, says: String)] = [
            ("/none.pem", "/none.key", 2, "can be read"),
            (empty.path, empty.path, 2, "BEGIN CERTIFICATE"),
            (files.privateKey, files.certificate, 2, "no PEM private key"),
            ("/tmp", files.privateKey, 1, "TLS_CERTIFICATE"),
            (files.certificate, foreign.privateKey, 1, "is not the key of the certificate"),
        ]
        for wrong in cases {
            let error = try #require(throws: SettingsError.self) {
                try read(["TLS_CERTIFICATE": wrong.certificate, "TLS_PRIVATE_KEY": wrong.key])
            }
            #expect(error.problems.count == wrong.problems)
            #expect(error.description.contains(wrong.says))
        }
    }

    @Test("Flags have the names of the variables")
    func flags() throws {
        let flags = try CommandLineFlags.parse(["--model-path", "/m", "--port=1", "--cors-allowed-origins=a=b"])
        #expect(flags == .run([.modelPath: "/m", .port: "1", .corsAllowedOrigins: "a=b"]))
        #expect(try CommandLineFlags.parse(["--port", "1", "--help"]) == .help)
        #expect(try CommandLineFlags.parse(["--version"]) == .version)
        #expect(SettingName.allCases.allSatisfy { CommandLineFlags.helpText.contains($0.flag) })
    }

    @Test("Unknown flags and missing values are errors", arguments: [["--models", "x"], ["x"], ["--port"], ["-p", "1"]])
    func wrongFlags(arguments: [String]) {
        #expect(throws: SettingsError.self) { try CommandLineFlags.parse(arguments) }
    }

    @Test("Pages of the server itself and listed ones are permitted, others are not")
    func origins() {
        let policy = OriginPolicy(allowed: ["https://chat.example"])
        #expect(policy.permits(nil, hosts: ["localhost:8080"]))
        #expect(policy.permits("https://CHAT.example", hosts: ["localhost:8080"]))
        #expect(policy.permits("http://localhost:8080", hosts: ["localhost:8080"]))
        #expect(policy.permits("https://proxy.example", hosts: ["10.0.0.1:8080", "proxy.example:443"]))
        #expect(!policy.permits("http://localhost:9090", hosts: ["localhost:8080"]))
        #expect(!policy.permits("null", hosts: ["localhost:8080"]))
        #expect(!policy.permits("https://evil.example", hosts: ["localhost:8080"]))
        #expect(OriginPolicy(allowed: ["*"]).permits("https://any.example", hosts: []))
    }
}
