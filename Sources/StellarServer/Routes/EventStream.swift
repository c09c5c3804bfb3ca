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

    /// What stands around the JSON of an event.
    fileprivate static let prefix = Array("data: ".utf8)
    fileprivate static let suffix = Array("\n\n".utf8)

    /// A response that sends what there is of the reply as soon as there is something, then `[DONE]`. An error in the middle, when the
    /// status has long been sent, becomes an event of its own.
    ///
    /// Until the first token, the place in the queue and the progress of the prompt are sent as comments. The reply is cancelled at once when
    /// the client goes away or can't be written to; each write waits until the connection takes it, and the reply waits with it.
    ///
    /// - Parameters:
    ///   - keepAlive: Silence after which a comment is sent.
    ///   - onText: Is given the reply's text as it comes, for logs.
    static func response(
        _ reply: ChatReply,
        _ mapper: some ReplyMapper,
        keepAlive: Duration,
        transcript: ReplyTranscript? = nil
    ) -> Response {
        let monitor = ConnectionMonitor.current
        let body = ResponseBody { writer in
            let callback = monitor?.onClose { reply.cancel() }
            let silence = SilenceDetector()
            let pinger = Task(executorPreference: monitor?.executor) {
                while true {
                    try await Task.sleep(for: keepAlive)
                    if silence.expire() { reply.events.poke() }
                }
            }
            defer {
                pinger.cancel()
                reply.cancel()
                if let callback { monitor?.removeCallback(callback) }
            }
            var bytes = EventBytes(mapper)
            try bytes.start()
            var events = reply.events.makeAsyncIterator()
            while true {
                if let buffer = bytes.take() {
                    try await writer.write(buffer)
                    silence.interrupt()
                }
                guard let batch = try await next(&events, &bytes) else { break }
                if batch.isEmpty { bytes.comment("ping") }
                for event in batch {
                    transcript?.add(event)
                    try bytes.add(event)
                }
            }
            if let buffer = bytes.take() { try await writer.write(buffer) }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// The next events. At the reply's end `nil`, with the last frames written to `bytes`.
    private static func next(
        _ events: inout ReplyEvents.Iterator,
        _ bytes: inout EventBytes<some ReplyMapper>
    ) async throws -> [ChatEvent]? {
        do {
            if let batch = try await events.nextBatch() { return batch }
            try bytes.finish()
        } catch  where !(error is CancellationError) {
            try bytes.fail(APIError(anyError: error))
        }
        return nil
    }
}

/// Collects the bytes of events until they are written together.
private struct EventBytes<Mapper: ReplyMapper> {
    private var mapper: Mapper
    private var bytes: [UInt8] = []

    init(_ mapper: Mapper) {
        self.mapper = mapper
    }

    /// What has been collected since the last call, if anything.
    mutating func take() -> ByteBuffer? {
        guard !bytes.isEmpty else { return nil }
        defer { bytes.removeAll(keepingCapacity: true) }
        return ByteBuffer(bytes: bytes)
    }

    mutating func start() throws {
        for frame in mapper.start() { try append(frame) }
    }

    mutating func add(_ event: ChatEvent) throws {
        switch event.event {
        case .queued(let position): comment("queued \(position)")
        case .prefill(let processed, let total): comment("prefill \(processed)/\(total)")
        default:
            let start = bytes.count
            bytes += EventStream.prefix
            if mapper.writeText(of: event, to: &bytes) {
                bytes += EventStream.suffix
            } else {
                bytes.removeLast(bytes.count - start)
                for frame in mapper.map(event) { try append(frame) }
            }
        }
    }

    mutating func finish() throws {
        for frame in mapper.finish() { try append(frame) }
        bytes += "data: [DONE]\n\n".utf8
    }

    mutating func fail(_ error: APIError) throws {
        try append(error.response)
        bytes += "data: [DONE]\n\n".utf8
    }

    /// A comment line: clients skip it, proxies see that the connection lives.
    mutating func comment(_ text: String) {
        bytes += ": \(text)\n\n".utf8
    }

    /// One event. JSON holds no raw line break, so one `data` line is always enough.
    private mutating func append(_ frame: some Encodable) throws {
        let json = try JSONCoding.encode(frame)
        bytes += EventStream.prefix
        bytes += json
        bytes += EventStream.suffix
    }
}

/// Knows whether anything was written between two looks.
private final class SilenceDetector: Sendable {
    private let hasWritten = Mutex(false)

    func interrupt() {
        hasWritten.withLock { $0 = true }
    }

    /// Whether nothing was written since the last look.
    func expire() -> Bool {
        hasWritten.withLock { hasWritten in
            defer { hasWritten = false }
            return !hasWritten
        }
    }
}
