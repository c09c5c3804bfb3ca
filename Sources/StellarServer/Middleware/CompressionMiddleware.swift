import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Compresses bodies of text for clients that take gzip. Never streams: their events must not wait in a compressor.
///
/// What has an `ETag`, the web chat's files, is compressed once and kept. The tags are weak, so that one stands for both forms.
struct CompressionMiddleware: RouterMiddleware {
    typealias Context = ServerRequestContext

    /// Smaller bodies fit into one packet anyway.
    static let minimumSize = 1024
    /// Larger ones would take too much memory.
    private static let maximumSize = 16 << 20
    /// Larger ones would hold up the other connections of the event loop.
    private static let eventLoopLimit = 16 << 10
    /// Besides `text/…`.
    private static let types: Set<String> = [
        "application/json", "application/javascript", "application/manifest+json", "application/wasm", "application/xml", "image/svg+xml",
    ]

    private let cache = CompressedFiles()

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        var response = try await next(request, context)
        guard Self.isText(response.headers[.contentType]), response.headers[.contentEncoding] == nil else { return response }
        response.headers.append(HTTPField(name: .vary, value: "Accept-Encoding"))
        guard response.status == .ok, request.method != .head, request.headers.acceptsGZip,
            let size = response.body.contentLength ?? response.headers[.contentLength].flatMap(Int.init),
            (Self.minimumSize...Self.maximumSize).contains(size)
        else { return response }
        let file = response.headers[.eTag].map { CompressedFiles.Key(path: request.uri.path, tag: $0) }
        if let file, let known = cache[file] { return Self.replacing(response, by: known) }
        let plain = try await response.body.collected()
        let isSmall = plain.readableBytes <= Self.eventLoopLimit
        let compressed = isSmall ? GZip.compress(plain) : try await offEventLoop { GZip.compress(plain) }
        guard let compressed, compressed.readableBytes < plain.readableBytes else {
            response.body = ResponseBody(byteBuffer: plain)
            return response
        }
        if let file { cache[file] = compressed }
        return Self.replacing(response, by: compressed)
    }

    private static func replacing(_ response: Response, by compressed: ByteBuffer) -> Response {
        var response = response
        response.headers[.contentEncoding] = "gzip"
        response.body = ResponseBody(byteBuffer: compressed)
        response.headers[.contentLength] = String(compressed.readableBytes)
        return response
    }

    private static func isText(_ contentType: String?) -> Bool {
        let type = contentType?.prefix { $0 != ";" }.lowercased().trimmingPrefix { $0 == " " } ?? ""
        return type != "text/event-stream" && (type.hasPrefix("text/") || types.contains(String(type)))
    }
}

/// Compressed forms of files. When there are too many they are all forgotten: a web chat has far fewer.
private final class CompressedFiles: Sendable {
    struct Key: Hashable {
        let path: String
        let tag: String
    }

    private static let limit = 64 << 20
    private let files = Mutex<(byKey: [Key: ByteBuffer], size: Int)>(([:], 0))

    subscript(key: Key) -> ByteBuffer? {
        get { files.withLock { $0.byKey[key] } }
        set {
            guard let newValue else { return }
            files.withLock { files in
                if files.size + newValue.readableBytes > Self.limit { files = ([:], 0) }
                let old = files.byKey.updateValue(newValue, forKey: key)
                files.size += newValue.readableBytes - (old?.readableBytes ?? 0)
            }
        }
    }
}

extension ResponseBody {
    private final class Collector: ResponseBodyWriter {
        var bytes = ByteBuffer()

        func write(_ buffer: ByteBuffer) async throws {
            var buffer = buffer
            if bytes.readableBytes == 0 { bytes = buffer } else { bytes.writeBuffer(&buffer) }
        }

        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    /// All of it.
    ///
    /// - Throws: What writing it throws.
    func collected() async throws -> ByteBuffer {
        let collector = Collector()
        try await write(collector)
        return collector.bytes
    }
}

extension HTTPFields {
    /// Whether the client takes gzip (RFC 9110, 12.5.3). Without a word about it, it is not sent.
    var acceptsGZip: Bool {
        var others = false
        for member in self[values: .acceptEncoding].flatMap({ $0.split(separator: ",") }) {
            let parts = member.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            switch parts.first {
            case "gzip", "x-gzip": return quality > 0
            case "*": others = quality > 0
            default: break
            }
        }
        return others
    }
}
