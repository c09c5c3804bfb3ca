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

    /// A response that sends each frame of the reply as soon as there is one.
    ///
    /// The reply is cancelled at once when the client goes away or can't be written to; each write waits until the connection takes it.
    ///
    /// - Parameter keepAlive: Silence after which a comment is sent.
    static func response(_ reply: ChatReply, keepAlive: Duration) -> Response {
        let monitor = ConnectionMonitor.current
        let body = ResponseBody { writer in
            let pump = StreamPump<ByteBuffer> { continuation in
                try await reply.forEachFrame(ChunkMapper(reply)) { continuation.yield(ByteBuffer(bytes: try $0.encoded())) }
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
        every interval: Duration, pump: StreamPump<ByteBuffer>, write: (ByteBuffer) async throws -> Void
    ) async throws {
        let silence = SilenceDetector()
        let pinger = Task {
            while true {
                try await Task.sleep(for: interval)
                if silence.expire() { pump.continuation.yield(ByteBuffer(bytes: StreamFrame.keepAlive)) }
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
