import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket

/// One accepted connection: HTTP/1.1, or a WebSocket if its first request is a handshake that ``WebSocketEndpoint`` grants.
///
/// The pipeline is assembled by hand, with ``HTTPConnectionHandler`` between the decoder and NIO's upgrade handler.
struct ServerChannel: ServerChildChannel, HTTPChannelHandler {
    typealias WebSocketChannel = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    /// What the connection turned out to be.
    enum Negotiated: Sendable {
        case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
        case webSocket(WebSocketChannel, HTTPRequestHead)
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let negotiated: EventLoopFuture<Negotiated>
        let monitor: ConnectionMonitor
    }

    let responder: Responder
    let limits: ConnectionLimits
    let webSocket: WebSocketEndpoint

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let operations = channel.pipeline.syncOperations
            let encoder = HTTPResponseEncoder()
            let decoder = ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits.decoder)
            )
            let connection = HTTPConnectionHandler(maxBodySize: limits.maxBodySize, idleTimeout: limits.idleTimeout) { [webSocket] head in
                webSocket.accepts(head, peer: channel.remoteAddress)
            }
            let upgrade = NIOTypedHTTPServerUpgradeHandler(
                httpEncoder: encoder,
                extraHTTPHandlers: [decoder, connection],
                upgradeConfiguration: upgradeConfiguration(logger: logger)
            )
            try operations.addHandlers([encoder, decoder, connection, upgrade])
            return Value(channel: channel, negotiated: upgrade.upgradeResultFuture, monitor: connection.monitor)
        }
    }

    private func upgradeConfiguration(logger: Logger) -> NIOTypedHTTPServerUpgradeConfiguration<Negotiated> {
        let upgrader = NIOTypedWebSocketServerUpgrader<Negotiated>(
            maxFrameSize: webSocket.limits.maxFrameSize,
            enableAutomaticErrorHandling: false,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    .webSocket(try WebSocketChannel(wrappingChannelSynchronously: channel), head)
                }
            }
        )
        return NIOTypedHTTPServerUpgradeConfiguration(upgraders: [upgrader]) { [limits] channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers([
                    HTTP1ToHTTPServerCodec(secure: false),
                    HTTPConnectionStateHandler(idleTimeout: limits.idleTimeout.map { .init($0) }, logger: logger),
                ])
                return .http(
                    try NIOAsyncChannel(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                )
            }
        }
    }

    func handle(value: Value, logger: Logger) async {
        await withTaskCancellationHandler {
            do {
                switch try await value.negotiated.get() {
                case .http(let channel):
                    await ConnectionMonitor.$current.withValue(value.monitor) {
                        await handleHTTP(asyncChannel: channel, logger: logger)
                    }
                case .webSocket(let channel, let head):
                    await webSocket.serve(channel, head: head, logger: logger)
                }
            } catch {
                // No request came before the connection closed, or the upgrade failed: nobody else closes the channel then.
                logger.trace("Connection ended before its first request", metadata: ["error": "\(error)"])
                value.channel.close(promise: nil)
            }
        } onCancel: {
            value.channel.close(mode: .input, promise: nil)
        }
    }
}

/// What one connection may ask of the server.
struct ConnectionLimits: Sendable {
    /// Bytes of a request body.
    var maxBodySize: Int
    /// How long a connection may be idle between or inside requests.
    var idleTimeout: TimeAmount?

    /// Sizes of request heads.
    var decoder: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 32 << 10
        limits.maxHeaderListSize = 64 << 10
        limits.maxHeaderFieldCount = 200
        return limits
    }
}
