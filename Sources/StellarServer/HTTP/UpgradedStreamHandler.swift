import NIOCore
import NIOHTTP1

/// Takes the place of the HTTP codec once a connection has changed to another protocol: the bytes of both directions are the bodies of the
/// request and the response that agreed on the change.
///
/// So the route that answers `101 Switching Protocols` goes on reading its request's body and writing its response's body, and everything
/// around routes (request ids, access, logs) works for it as for any other. Lives on the channel's event loop.
final class UpgradedStreamHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = ByteBuffer

    private let monitor: ConnectionMonitor
    private let lingerTime: TimeAmount
    private var writeTimeout: WriteTimeout
    private var hasEndedInput = false
    private var isClosing = false

    /// - Parameter lingerTime: How long the client may take to close its side after the response has ended.
    init(monitor: ConnectionMonitor, lingerTime: TimeAmount, writeTimeout: TimeAmount?) {
        self.monitor = monitor
        self.lingerTime = lingerTime
        self.writeTimeout = WriteTimeout(writeTimeout)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        context.fireChannelRead(wrapInboundOut(.body(unwrapInboundIn(data))))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .body(.byteBuffer(let bytes)): context.write(wrapOutboundOut(bytes), promise: promise)
        case .body(.fileRegion), .head: promise?.succeed()
        case .end:
            promise?.succeed()
            context.flush()
            close(context)
        }
    }

    /// The sending half first, so that what was sent last still arrives.
    private func close(_ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        isClosing = true
        endInput(context)
        context.close(mode: .output, promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: lingerTime) { context.close(promise: nil) }
    }

    private func endInput(_ context: ChannelHandlerContext) {
        guard !hasEndedInput else { return }
        hasEndedInput = true
        context.fireChannelRead(wrapInboundOut(.end(nil)))
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            endInput(context)
            monitor.close()
            if isClosing { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        writeTimeout.cancel()
        endInput(context)
        monitor.close()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writeTimeout.writabilityChanged(context)
        context.fireChannelWritabilityChanged()
    }
}

@available(*, unavailable)
extension UpgradedStreamHandler: Sendable {}

/// Closes a connection whose client has taken nothing for too long.
struct WriteTimeout {
    private let time: TimeAmount?
    private var timer: Scheduled<Void>?

    init(_ time: TimeAmount?) {
        self.time = time
    }

    /// To be told on the channel's event loop whenever its writability may have changed.
    mutating func writabilityChanged(_ context: ChannelHandlerContext) {
        cancel()
        guard let time, !context.channel.isWritable else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
    }

    mutating func cancel() {
        timer?.cancel()
        timer = nil
    }
}
