import HTTPTypes
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2

/// The rules of one HTTP/2 stream that lie below its request.
///
/// - Takes out the header fields that speak of a connection: HTTP/2 has none (RFC 9113, 8.2.2), and so no WebSocket handshake either.
/// - Answers `Expect: 100-continue`.
/// - Where the answer is complete before the request is, tells the client to stop sending.
/// - Resets streams whose client takes nothing for `writeTimeout`.
///
/// Sits behind the codec of the stream's channel; lives on its event loop.
final class HTTP2StreamHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private static let connectionFields = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]
        .compactMap { HTTPField.Name($0) }
    private static let expect = HTTPField.Name("expect")

    private let maxBodySize: Int
    private var writeTimeout: WriteTimeout
    private var hasEndedRequest = false
    private var connection: HTTP2ConnectionHandler?

    /// - Parameter limits: `Expect: 100-continue` is not granted to larger bodies.
    init(limits: ConnectionLimits) {
        maxBodySize = limits.maxBodySize
        writeTimeout = WriteTimeout(limits.writeTimeout)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        connection = try? context.channel.parent?.pipeline.syncOperations.handler(type: HTTP2ConnectionHandler.self)
        connection?.streamOpened()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        writeTimeout.cancel()
        connection?.streamClosed()
        connection = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(var head):
            for name in Self.connectionFields { head.headerFields[name] = nil }
            continueIfExpected(head, context)
            context.fireChannelRead(wrapInboundOut(.head(head)))
        case .body: context.fireChannelRead(data)
        case .end:
            hasEndedRequest = true
            context.fireChannelRead(data)
        }
    }

    private func continueIfExpected(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        guard let expect = Self.expect, head.headerFields[expect]?.lowercased() == "100-continue",
            head.headerFields[.contentLength].map({ (Int($0) ?? .max) <= maxBodySize }) ?? true
        else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            for name in Self.connectionFields { head.headerFields[name] = nil }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end where hasEndedRequest: context.write(data, promise: promise)
        case .end:
            context.writeAndFlush(data, promise: promise)
            context.triggerUserOutboundEvent(NIOHTTP2FramePayloadToHTTPEvent.reset(code: .noError), promise: nil)
        }
    }

    /// The end of the server is the connection's matter: the stream ends with its answer, and closing it there would take the answer's end away.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard !(event is ChannelShouldQuiesceEvent) else { return }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writeTimeout.writabilityChanged(context)
        context.fireChannelWritabilityChanged()
    }
}

@available(*, unavailable)
extension HTTP2StreamHandler: Sendable {}

/// Closes an HTTP/2 connection that has no streams and does not end by itself: the other end may have been asked to go, and not answered.
///
/// Lives on the channel's event loop.
final class HTTP2ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    /// What a client has to answer a polite farewell.
    static let farewellTime = TimeAmount.seconds(2)

    private let idleTime: TimeAmount?
    private var isQuiescing = false
    private var streams = 0
    private var timer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    /// - Parameter idleTimeout: When the farewell is sent to a connection without streams.
    init(idleTimeout: TimeAmount?) {
        idleTime = idleTimeout.map { $0 + Self.farewellTime }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        startTimer()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
    }

    func streamOpened() {
        streams += 1
        timer?.cancel()
    }

    func streamClosed() {
        streams -= 1
        startTimer()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            isQuiescing = true
            startTimer()
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func startTimer() {
        timer?.cancel()
        guard streams == 0, let context, let time = isQuiescing ? Self.farewellTime : idleTime else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
    }
}

@available(*, unavailable)
extension HTTP2ConnectionHandler: Sendable {}
