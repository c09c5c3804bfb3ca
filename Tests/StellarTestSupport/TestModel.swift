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

    public static var isAvailable: Bool { file != nil }

    /// Why a test that needs the model did not run.
    public static let skipReason = "No test model at \(path): run scripts/test, or set STELLAR_TEST_MODEL."

    /// The root of the checkout.
    public static let repositoryRoot = Foundation.URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}
