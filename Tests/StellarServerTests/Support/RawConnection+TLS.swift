import NIOCore
import NIOSSL
import Synchronization

/// The certificate that a server has shown, as DER.
final class ShownCertificate: Sendable {
    private let bytes = Mutex<[UInt8]?>(nil)

    var der: [UInt8]? { bytes.withLock { $0 } }

    func set(_ certificate: NIOSSLCertificate?) {
        let der = try? certificate?.toDERBytes()
        bytes.withLock { $0 = der }
    }
}

extension RawConnection {
    /// An encrypted connection. It takes any certificate and puts it into `shown`.
    static func encrypted(
        port: Int,
        from minimum: TLSVersion = .tlsv12,
        to maximum: TLSVersion = .tlsv13,
        shown: ShownCertificate = ShownCertificate()
    ) async throws -> RawConnection {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = minimum
        configuration.maximumTLSVersion = maximum
        configuration.trustRoots = .certificates([])
        configuration.certificateVerification = .noHostnameVerification
        let context = try NIOSSLContext(configuration: configuration)
        return try await RawConnection(port: port) {
            let handler = try NIOSSLClientHandler(context: context, serverHostname: nil) { certificates, promise in
                shown.set(certificates.first)
                promise.succeed(.certificateVerified)
            }
            return [handler]
        }
    }
}
