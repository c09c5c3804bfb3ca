public import Foundation
import NIOCore
import NIOSSL
import Synchronization

/// The files that hold a server's certificate and its private key, both in PEM.
public struct TLSFiles: Sendable, Equatable {
    /// The server's certificate, then those above it.
    public var certificate: String
    public var privateKey: String

    public init(certificate: String, privateKey: String) {
        self.certificate = certificate
        self.privateKey = privateKey
    }

    /// What new connections are encrypted with: TLS 1.2 or 1.3, with HTTP/2 or HTTP/1.1 inside.
    ///
    /// - Throws: Everything that is wrong with the files.
    func load() throws(SettingsError) -> LoadedIdentity {
        var problems: [String] = []
        let chain = read(.tlsCertificate, certificate, "no PEM certificate (-----BEGIN CERTIFICATE-----)", &problems) {
            try NIOSSLCertificate.fromPEMBytes($0)
        }
        let key = read(.tlsPrivateKey, privateKey, "no PEM private key, or one that needs a passphrase", &problems) {
            try NIOSSLPrivateKey(bytes: $0, format: .pem)
        }
        guard let chain, let key, let leaf = chain.first else { throw SettingsError(problems: problems) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        // Many clients never say farewell: their silence must not hold up the end of the server.
        configuration.shutdownTimeout = .seconds(1)
        do {
            let end = Date(timeIntervalSince1970: TimeInterval(leaf.notValidAfter))
            return LoadedIdentity(context: try NIOSSLContext(configuration: configuration), validUntil: end)
        } catch {
            throw SettingsError(problems: [
                """
                \(SettingName.tlsPrivateKey.rawValue) \(privateKey) is not the key of the certificate in \
                \(SettingName.tlsCertificate.rawValue) \(certificate), or the two can't be used for TLS (\(error)).
                """
            ])
        }
    }

    private func read<Value>(
        _ name: SettingName,
        _ path: String,
        _ lack: String,
        _ problems: inout [String],
        _ parse: ([UInt8]) throws -> Value
    ) -> Value? {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            problems.append("\(name.rawValue) (\(name.flag)) is \"\(path)\", but must be a file that can be read.")
            return nil
        }
        if !bytes.isEmpty, let value = try? parse(Array(bytes)) { return value }
        problems.append("\(name.rawValue) (\(name.flag)) is \"\(path)\", but that file has \(lack).")
        return nil
    }
}

/// A certificate and its key, ready for connections.
struct LoadedIdentity: Sendable {
    let context: NIOSSLContext
    let validUntil: Date
}

/// What the server proves to be, by certificate. It can change while the server runs: connections keep what they began with.
///
/// Thread contract: any thread.
public final class TLSIdentity: Sendable {
    private let files: TLSFiles
    private let current: Mutex<LoadedIdentity>

    /// - Throws: Everything that is wrong with the files.
    public init(_ files: TLSFiles) throws(SettingsError) {
        self.files = files
        current = Mutex(try files.load())
    }

    /// Reads the files again, for connections that begin from now on.
    ///
    /// - Throws: Everything that is wrong with the files. Then what was there before stays.
    public func reload() throws(SettingsError) {
        let loaded = try files.load()
        current.withLock { $0 = loaded }
    }

    /// When the certificate expires.
    public var validUntil: Date { current.withLock { $0.validUntil } }

    var context: NIOSSLContext { current.withLock { $0.context } }
}
