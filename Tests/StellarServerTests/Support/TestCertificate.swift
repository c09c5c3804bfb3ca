import Crypto
import Foundation
import StellarServer

/// A self-signed certificate (RFC 5280) and its key, made for one test, in files that are removed with the value.
final class TestCertificate: Sendable {
    let files: TLSFiles
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        files = TLSFiles(
            certificate: directory.appendingPathComponent("certificate.pem").path,
            privateKey: directory.appendingPathComponent("key.pem").path
        )
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    /// Puts a new certificate and its key into the files.
    ///
    /// - Returns: The certificate's DER form.
    @discardableResult
    func renew(name: String = "localhost") throws -> [UInt8] {
        let key = P256.Signing.PrivateKey()
        let certificate = try Self.certificate(name: name, key: key)
        try write(Self.pem(certificate), to: files.certificate)
        try write(key.pemRepresentation, to: files.privateKey)
        return certificate
    }

    func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    /// Bytes that differ from certificate to certificate: the serial number is random.
    private static func certificate(name: String, key: P256.Signing.PrivateKey) throws -> [UInt8] {
        let algorithm = DER.sequence(DER.ecdsaWithSHA256)
        let subject = DER.sequence(DER.value(0x31, DER.sequence(DER.commonName, DER.value(0x0C, Array(name.utf8)))))
        let validity = DER.sequence(DER.value(0x17, Array("200101000000Z".utf8)), DER.value(0x18, Array("21200101000000Z".utf8)))
        let serial = [1] + (0..<8).map { _ in UInt8.random(in: .min ... .max) }
        let body = DER.sequence(
            DER.value(0xA0, DER.value(0x02, [2])),
            DER.value(0x02, serial),
            algorithm,
            subject,
            validity,
            subject,
            Array(key.publicKey.derRepresentation)
        )
        let signature = try key.signature(for: Data(body)).derRepresentation
        return DER.sequence(body, algorithm, DER.value(0x03, [0] + Array(signature)))
    }

    private static func pem(_ der: [UInt8]) -> String {
        let text = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n"
    }
}

/// As much of the Distinguished Encoding Rules (X.690) as a certificate needs.
private enum DER {
    static let ecdsaWithSHA256 = value(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02])
    static let commonName = value(0x06, [0x55, 0x04, 0x03])

    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length: [UInt8] =
            switch content.count {
            case ..<128: [UInt8(content.count)]
            case ..<256: [0x81, UInt8(content.count)]
            default: [0x82, UInt8(truncatingIfNeeded: content.count >> 8), UInt8(truncatingIfNeeded: content.count)]
            }
        return [tag] + length + content
    }

    static func sequence(_ parts: [UInt8]...) -> [UInt8] {
        value(0x30, parts.flatMap { $0 })
    }
}
