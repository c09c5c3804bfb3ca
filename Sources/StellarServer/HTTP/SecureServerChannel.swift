import HummingbirdCore
import HummingbirdHTTP2
package import Logging
package import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS

/// One accepted connection with TLS: HTTP/2 or HTTP/1.1 inside, as the handshake agrees (ALPN).
///
/// HTTP/2 is Hummingbird's, with ``HTTP2StreamHandler`` in each stream. What a client can make it do is bounded by swift-nio-http2: 100
/// streams at a time, 16 kB of header fields, 200 resets, stream errors or control frames in 30 seconds.
package struct SecureServerChannel: ServerChildChannel {
    typealias Negotiated = NIONegotiatedHTTPVersion<ServerChannel.Value, HTTP2Channel.Value>

    package struct Value: ServerChildChannelValue {
        package let channel: any Channel
        let negotiated: EventLoopFuture<Negotiated>
    }

    private let identity: TLSIdentity
    private let limits: ConnectionLimits
    private let http1: ServerChannel
    private let http2: HTTP2Channel

    /// - Parameters:
    ///   - identity: What connections are encrypted with.
    ///   - http1: For clients that choose HTTP/1.1, or nothing.
    package init(_ identity: TLSIdentity, http1: ServerChannel) {
        let limits = http1.limits
        self.identity = identity
        self.limits = limits
        self.http1 = http1
        let idleTimeout = limits.idleTimeout
        http2 = HTTP2Channel(
            responder: http1.responder,
            configuration: HTTP2ChannelConfiguration(
                idleTimeout: idleTimeout.map { .init($0) },
                gracefulCloseTimeout: nil,
                streamConfiguration: .init(additionalChannelHandlers: [HTTP2StreamHandler(limits: limits)], idleTimeout: idleTimeout)
            )
        )
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            limits.setSocketOptions(of: channel)
            let handshake = HandshakeGuard(timeout: limits.idleTimeout)
            let negotiation = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result in
                channel.pipeline.syncOperations.removeHandler(handshake, promise: nil)
                return setup(channel, as: result, logger)
            }
            try channel.pipeline.syncOperations.addHandlers([
                NIOSSLServerHandler(context: identity.context), handshake, negotiation,
            ])
            return Value(channel: channel, negotiated: negotiation.protocolNegotiationResult)
        }
    }

    private func setup(_ channel: any Channel, as result: ALPNResult, _ logger: Logger) -> EventLoopFuture<Negotiated> {
        guard result == .negotiated("h2") else { return http1.setup(channel: channel, logger: logger).map { .http1_1($0) } }
        do {
            try channel.pipeline.syncOperations.addHandler(LastFrameKeeper())
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        return http2.setup(channel: channel, logger: logger).flatMapThrowing { value in
            try channel.pipeline.syncOperations.addHandler(HTTP2ConnectionHandler(idleTimeout: limits.idleTimeout))
            return .http2(value)
        }
    }

    package func handle(value: Value, logger: Logger) async {
        await withTaskCancellationHandler {
            switch try? await value.negotiated.get() {
            case .http1_1(let connection): await http1.handle(value: connection, logger: logger)
            case .http2(let connection):
                await withTaskExecutorPreference(EventLoopTaskExecutor(value.channel.eventLoop)) {
                    await http2.handle(value: connection, logger: logger)
                }
            case nil: break
            }
        } onCancel: {
            value.channel.close(promise: nil)
        }
    }
}

/// Closes an HTTP/2 connection a moment after it was asked to. When the server stops, it is asked by the one who hears that the last stream
/// is over, which is while the frame that ends that stream is still on its way through the pipeline. Lives on the channel's event loop.
private final class LastFrameKeeper: ChannelOutboundHandler {
    typealias OutboundIn = Any

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.eventLoop.assumeIsolated().execute {
            context.flush()
            context.close(mode: mode, promise: promise)
        }
    }
}

@available(*, unavailable)
extension LastFrameKeeper: Sendable {}

/// Closes connections whose handshake takes too long, or is not done when the server stops. Lives on the channel's event loop.
private final class HandshakeGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let timeout: TimeAmount?
    private var timer: Scheduled<Void>?

    init(timeout: TimeAmount?) {
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard let timeout else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { context.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}

@available(*, unavailable)
extension HandshakeGuard: Sendable {}
