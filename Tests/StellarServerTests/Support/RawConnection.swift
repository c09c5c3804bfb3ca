import NIOCore
import NIOPosix

/// A TCP connection that sends and receives exactly the bytes it is told to.
actor RawConnection {
    struct Ended: Error {}

    let channel: any Channel
    private let chunks: AsyncStream<ByteBuffer>
    private var received: [UInt8] = []
    private var hasEnded = false

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let continuation: AsyncStream<ByteBuffer>.Continuation

        init(_ continuation: AsyncStream<ByteBuffer>.Continuation) { self.continuation = continuation }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { continuation.yield(unwrapInboundIn(data)) }
        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// - Parameter handlers: What lies between the socket and the bytes.
    init(port: Int, handlers: @escaping @Sendable () throws -> [any ChannelHandler] = { [] }) async throws {
        let (chunks, continuation) = AsyncStream<ByteBuffer>.makeStream()
        self.chunks = chunks
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(handlers() + [Collector(continuation)])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ bytes: some Sequence<UInt8>) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    /// Closes at once, as a client that goes away does.
    func close() async {
        // It may have been closed by the server already.
        try? await channel.close()
    }

    /// - Throws: ``Ended`` if the connection ends first.
    func read(count: Int) async throws -> [UInt8] {
        while received.count < count { try await receive() }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// Everything up to and including `end`.
    func read(until end: String) async throws -> String {
        let needle = Array(end.utf8)
        while true {
            if let range = received.firstRange(of: needle) {
                defer { received.removeFirst(range.upperBound) }
                return String(decoding: received[..<range.upperBound], as: UTF8.self)
            }
            try await receive()
        }
    }

    func readToEnd() async -> String {
        while (try? await receive()) != nil {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    private func receive() async throws {
        var iterator = chunks.makeAsyncIterator()
        guard !hasEnded, let chunk = await iterator.next(isolation: self) else {
            hasEnded = true
            throw Ended()
        }
        received.append(contentsOf: chunk.readableBytesView)
    }
}

extension RawConnection {
    /// The head of a request; `body` sets its length.
    static func request(_ method: String, _ path: String, headers: [String] = [], body: String = "") -> String {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: test", "Content-Length: \(body.utf8.count)"] + headers
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    /// One response with a `Content-Length`: its head and its body.
    func readResponse() async throws -> (head: String, body: String) {
        let head = try await read(until: "\r\n\r\n")
        let length = head.lowercased().firstMatch(of: /content-length: (\d+)/).flatMap { Int($0.1) } ?? 0
        return (head, String(decoding: try await read(count: length), as: UTF8.self))
    }
}

extension RawConnection {
    /// Takes nothing more from the socket, as a client that hangs.
    func pauseReading() async throws {
        try await channel.setOption(ChannelOptions.autoRead, value: false).get()
    }
}
