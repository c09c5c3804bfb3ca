import HTTPTypes
import Hummingbird
import NIOCore
import StellarProtocol
import Synchronization

/// Server-sent events of a streamed reply.
enum EventStream {
    static let headers: HTTPFields = [
        .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache", .accelBuffering: "no",
    ]

    static let done = ByteBuffer(string: "data: [DONE]\n\n")
    /// A comment line: clients skip it, proxies see that the connection lives.
    static let ping = ByteBuffer(string: ": ping\n\n")

    /// One event. JSON holds no raw line break, so one `data` line is always enough.
    static func frame(_ value: some Encodable) throws -> ByteBuffer {
        let json = try JSONCoding.encode(value)
        var buffer = ByteBuffer()
        buffer.reserveCapacity(json.count + 8)
        buffer.writeStaticString("data: ")
        buffer.writeBytes(json)
        buffer.writeStaticString("\n\n")
        return buffer
    }

    /// A response that sends each chunk of the reply as soon as there is one, then `[DONE]`. An error in the middle, when the status has
    /// long been sent, becomes an event of its own.
    ///
    /// The reply is cancelled at once when the client goes away or can't be written to; each write waits until the connection takes it.
    ///
    /// - Parameter keepAlive: Silence after which a comment is sent.
    static func response(_ reply: ChatReply, keepAlive: Duration) -> Response {
        let monitor = ConnectionMonitor.current
        let body = ResponseBody { writer in
            let pump = StreamPump<ByteBuffer> { continuation in
                do {
                    for try await chunk in reply.chunks { continuation.yield(try frame(chunk)) }
                } catch  where !(error is CancellationError) {
                    continuation.yield(try frame(APIError(anyError: error).response))
                }
                continuation.yield(done)
            }
            let callback = monitor?.onClose { pump.continuation.finish(throwing: CancellationError()) }
            defer {
                pump.cancel()
                if let callback { monitor?.removeCallback(callback) }
            }
            try await withKeepAlive(every: keepAlive, pump: pump) { try await writer.write($0) }
            try Task.checkCancellation()
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// Writes what the pump yields, and a ping whenever nothing has been written for `interval`.
    private static func withKeepAlive(
        every interval: Duration,
        pump: StreamPump<ByteBuffer>,
        write: (ByteBuffer) async throws -> Void
    ) async throws {
        let silence = SilenceDetector()
        let pinger = Task {
            while true {
                try await Task.sleep(for: interval)
                if silence.expire() { pump.continuation.yield(ping) }
            }
        }
        defer { pinger.cancel() }
        for try await buffer in pump.elements {
            try await write(buffer)
            silence.interrupt()
        }
    }
}

/// Knows whether anything was written between two looks.
private final class SilenceDetector: Sendable {
    private let state = Mutex((hasWritten: false, pingIsQueued: false))

    func interrupt() {
        state.withLock { $0 = (hasWritten: true, pingIsQueued: false) }
    }

    /// Whether a ping is due: nothing was written since the last look, and no ping waits to be written.
    func expire() -> Bool {
        state.withLock {
            let isDue = !$0.hasWritten && !$0.pingIsQueued
            $0 = (hasWritten: false, pingIsQueued: $0.pingIsQueued || isDue)
            return isDue
        }
    }
}
