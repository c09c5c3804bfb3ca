import HummingbirdCore
import NIOCore
import NIOHTTP1
import StellarProtocol

/// The rules of one HTTP/1 connection that lie below single requests.
///
/// - Passes on `Upgrade` only where it is a valid WebSocket handshake of ours. Any other offer (`h2c`, a bad handshake) is taken out, so
///   that the request is answered as plain HTTP.
/// - Changes the protocol when a handshake is answered by 101, on any request of the connection: see ``UpgradedStreamHandler``.
/// - Closes after the response where either side said `Connection: close` or the request is HTTP/1.0, and does so without destroying
///   the response: first the sending half, then, while what the client still sends is discarded, the rest.
/// - Answers `Expect: 100-continue`, and what is no HTTP.
/// - Reports to a ``ConnectionMonitor`` that the client has gone.
/// - Closes connections on which no request has come: when the server shuts down, and after `idleTimeout`; and those whose client takes
///   nothing for `writeTimeout`.
///
/// Sits right behind the HTTP decoder; lives on the channel's event loop.
final class HTTPConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What a request in progress asks of the connection.
    private struct Exchange {
        var isHTTP10: Bool
        var closes: Bool
        var isHandshake = false
    }

    /// What has to go when the protocol changes.
    struct Codec {
        let encoder: HTTPResponseEncoder
        let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    }

    /// Bytes and time that a closing connection still takes from its client.
    private static let discardLimit = 64 << 20
    private static let lingerTime = TimeAmount.seconds(2)

    let monitor: ConnectionMonitor
    private let codec: Codec
    private let isHandshake: (HTTPRequestHead) -> Bool
    private let limits: ConnectionLimits
    private var writeTimeout: WriteTimeout
    private var exchanges = CircularBuffer<Exchange>()
    private var hasSeenRequest = false
    private var closesAfterResponse = false
    private var discarded: Int?
    private var timer: Scheduled<Void>?
    /// The end of a handshake's request is kept back: its body goes on if the protocol changes.
    private var withheldEnd: HTTPServerRequestPart?

    /// - Parameters:
    ///   - limits: `Expect: 100-continue` is not granted to larger bodies; the first request may take as long as the idle time.
    ///   - isHandshake: Whether a request is a valid WebSocket handshake for one of our paths.
    init(monitor: ConnectionMonitor, codec: Codec, limits: ConnectionLimits, isHandshake: @escaping (HTTPRequestHead) -> Bool) {
        self.monitor = monitor
        self.codec = codec
        self.limits = limits
        self.isHandshake = isHandshake
        writeTimeout = WriteTimeout(limits.writeTimeout)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard let idleTimeout = limits.idleTimeout else { return }
        schedule(context, in: idleTimeout) { $0.hasSeenRequest ? nil : .all }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        writeTimeout.cancel()
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        guard discarded == nil else { return discard(part, context) }
        if case .end = part, exchanges.last?.isHandshake == true {
            withheldEnd = part
            return
        }
        guard case .head(var head) = part else { return context.fireChannelRead(data) }
        head.settleHost()
        hasSeenRequest = true
        var exchange = Exchange(isHTTP10: head.isHTTP10, closes: head.isHTTP10 || !head.isKeepAlive)
        if head.headers.contains(name: "upgrade") {
            exchange.isHandshake = isHandshake(head)
            if !exchange.isHandshake { head.headers.remove(name: "upgrade") }
            // The decoder has seen the offer too, and parses no further request after it.
            exchange.closes = true
        }
        exchanges.append(exchange)
        continueIfExpected(head, context)
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    private func continueIfExpected(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard exchanges.count == 1, !head.isHTTP10,
            head.headers.first(name: "expect")?.lowercased() == "100-continue",
            head.headers.first(name: "content-length").map({ (Int($0) ?? .max) <= limits.maxBodySize }) ?? true
        else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    private func discard(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        guard case .body(let bytes) = part, let count = discarded else { return }
        discarded = count + bytes.readableBytes
        if count + bytes.readableBytes > Self.discardLimit { context.close(promise: nil) }
    }

    /// Answers what is no HTTP. Inside a request the error is for the one who reads it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard discarded == nil else { return }
        guard let error = error as? HTTPParserError, exchanges.isEmpty else { return context.fireErrorCaught(error) }
        if error == .headerOverflow {
            refuse(context, status: 431, "The request's headers are too large.")
        } else {
            refuse(context, status: 400, "The request is not valid HTTP/1.1.")
        }
    }

    /// Answers what never became a request, and closes.
    private func refuse(_ context: ChannelHandlerContext, status: Int, _ message: String) {
        hasSeenRequest = true
        let body = (try? JSONCoding.encode(APIError(status: status, message: message, code: "bad_request").response)) ?? []
        var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status))
        head.headers = [
            "content-type": "application/json", "content-length": String(body.count), "connection": "close",
        ]
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        startClosing(context)
    }

    // MARK: Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status == .switchingProtocols:
            changeProtocol(context, head, promise)
        case .head(var head) where !(100..<200).contains(head.status.code):
            let exchange = exchanges.first
            if exchange?.isHandshake == true { releaseEnd(context) }
            if let exchange, exchange.isHTTP10 { head.version = .http1_0 }
            if exchange?.closes == true { head.headers.replaceOrAdd(name: "connection", value: "close") }
            closesAfterResponse = head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            _ = exchanges.popFirst()
            guard closesAfterResponse else { return context.write(data, promise: promise) }
            context.writeAndFlush(data, promise: promise)
            startClosing(context)
        case .head, .body:
            context.write(data, promise: promise)
        }
    }

    /// From here on the bytes of the connection are the bodies of this request and response.
    private func changeProtocol(_ context: ChannelHandlerContext, _ head: HTTPResponseHead, _ promise: EventLoopPromise<Void>?) {
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: promise)
        let stream = UpgradedStreamHandler(monitor: monitor, lingerTime: limits.closeTimeout, writeTimeout: limits.writeTimeout)
        let (channelPipeline, pipeline) = (context.pipeline, context.pipeline.syncOperations)
        do {
            try pipeline.addHandler(stream, position: .after(self))
        } catch {
            return context.close(promise: nil)
        }
        // Its idle time is for requests. The stream has pings of its own.
        if let state = try? pipeline.handler(type: HTTPConnectionStateHandler.self) { pipeline.removeHandler(state, promise: nil) }
        pipeline.removeHandler(self, promise: nil)
        pipeline.removeHandler(codec.encoder, promise: nil)
        // Last: what it has read beyond the handshake goes to the stream, a turn of the event loop later.
        let removed = context.eventLoop.makePromise(of: Void.self)
        removed.futureResult.whenComplete { _ in channelPipeline.fireChannelReadComplete() }
        pipeline.removeHandler(codec.decoder, promise: removed)
    }

    /// The handshake was refused: its request is an ordinary one, and complete.
    private func releaseEnd(_ context: ChannelHandlerContext) {
        guard let end = withheldEnd else { return }
        withheldEnd = nil
        context.fireChannelRead(wrapInboundOut(end))
        context.fireChannelReadComplete()
    }

    /// Closing a socket that holds unread bytes would reset the connection and could take the response with it.
    private func startClosing(_ context: ChannelHandlerContext) {
        discarded = 0
        context.close(mode: .output, promise: nil)
        schedule(context, in: Self.lingerTime) { _ in .all }
    }

    // MARK: Events

    func channelInactive(context: ChannelHandlerContext) {
        monitor.close()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            monitor.close()
            if discarded != nil || !hasSeenRequest { context.close(promise: nil) }
        }
        if event is ChannelShouldQuiesceEvent, !hasSeenRequest { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writeTimeout.writabilityChanged(context)
        context.fireChannelWritabilityChanged()
    }

    private func schedule(
        _ context: ChannelHandlerContext,
        in time: TimeAmount,
        _ decide: @escaping (HTTPConnectionHandler) -> CloseMode?
    ) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
            guard let self, let mode = decide(self) else { return }
            context.close(mode: mode, promise: nil)
        }
    }
}

extension HTTPRequestHead {
    /// Makes `Host` one field with the name that the request is sent to: that of its target where it is a whole URI, which overrules the
    /// field, and of which the path is left as target then (RFC 9112, 3.2). Several fields become one that is no name; HTTP/1.0, which may
    /// have none, gets that of this machine.
    mutating func settleHost() {
        let hosts = headers["host"]
        if hosts.count > 1 { headers.replaceOrAdd(name: "host", value: hosts.joined(separator: ",")) }
        if hosts.isEmpty, isHTTP10 { headers.add(name: "host", value: "localhost") }
        guard hosts.count <= 1, let scheme = ["http://", "https://"].first(where: { uri.lowercased().hasPrefix($0) }) else { return }
        let rest = uri.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest.dropFirst(authority.count)
        headers.replaceOrAdd(name: "host", value: String(authority))
        uri = path.hasPrefix("/") ? String(path) : "/" + path
    }

    /// Whether the client knows neither chunked bodies nor persistent connections.
    var isHTTP10: Bool { version.major < 1 || (version.major == 1 && version.minor == 0) }
}

@available(*, unavailable)
extension HTTPConnectionHandler: Sendable {}
