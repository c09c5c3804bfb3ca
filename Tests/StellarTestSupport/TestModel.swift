public import Foundation

/// The real model that tests run on.
public enum TestModel {
    /// `STELLAR_TEST_MODEL`, else where `scripts/test` puts it.
    public static let path: String = {
        if let path = ProcessInfo.processInfo.environment["STELLAR_TEST_MODEL"], !path.isEmpty { return path }
        return repositoryRoot.appendingPathComponent("models/test/SmolLM-135M-Instruct").path
    }()

    /// The GGUF file itself.
    public static var file: String? {
        if path.hasSuffix(".gguf") { return FileManager.default.fileExists(atPath: path) ? path : nil }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".gguf") }.min().map { path + "/" + $0 }
    }

    /// Whether tests on the model can run: it is there, and the kernels were compiled with optimisation (a debug build needs hours).
    public static var isAvailable: Bool { file != nil && !isDebugBuild }

    /// Why a test that needs the model did not run.
    public static let skipReason =
        isDebugBuild
        ? "A debug build is too slow for the real model: swift test -c release."
        : "No test model at \(path): run scripts/test, or set STELLAR_TEST_MODEL."

    /// Whether a missing model is a failure: `STELLAR_REQUIRE_MODEL=1`, which scripts/test and CI set.
    public static let isRequired = ProcessInfo.processInfo.environment["STELLAR_REQUIRE_MODEL"] == "1"

    private static let isDebugBuild: Bool = {
        #if DEBUG
            return true
        #else
            return false
        #endif
    }()

    /// The root of the checkout.
    public static let repositoryRoot = Foundation.URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}
