import HTTPTypes
package import HummingbirdCore
package import Logging
package import NIOCore
package import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// One accepted connection: HTTP/1.1, until a handshake that a route grants makes it something else.
///
/// The pipeline is assembled by hand, with ``HTTPConnectionHandler`` right behind the decoder.
package struct ServerChannel: ServerChildChannel, HTTPChannelHandler {
    package struct Value: ServerChildChannelValue {
        package let channel: any Channel
        let http: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
        let monitor: ConnectionMonitor
    }

    package let responder: Responder
    let limits: ConnectionLimits
    /// Whether there is TLS below.
    let isSecure: Bool
    /// Whether a request may change the protocol.
    let isHandshake: @Sendable (HTTPRequestHead) -> Bool

    package init(
        responder: @escaping Responder,
        limits: ConnectionLimits,
        isSecure: Bool = false,
        isHandshake: @escaping @Sendable (HTTPRequestHead) -> Bool
    ) {
        self.responder = responder
        self.limits = limits
        self.isSecure = isSecure
        self.isHandshake = isHandshake
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            if !isSecure { limits.setSocketOptions(of: channel) }
            let codec = HTTPConnectionHandler.Codec(
                encoder: HTTPResponseEncoder(),
                decoder: ByteToMessageHandler(
                    HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits.decoder)
                )
            )
            let monitor = ConnectionMonitor(executor: EventLoopTaskExecutor(channel.eventLoop))
            let connection = HTTPConnectionHandler(monitor: monitor, codec: codec, limits: limits, isHandshake: isHandshake)
            try channel.pipeline.syncOperations.addHandlers([
                codec.encoder, codec.decoder, connection, HTTP1ToHTTPServerCodec(secure: isSecure),
                HTTPConnectionStateHandler(idleTimeout: limits.idleTimeout.map { .init($0) }, logger: logger),
            ])
            let http = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true)
            )
            return Value(channel: channel, http: http, monitor: monitor)
        }
    }

    package func handle(value: Value, logger: Logger) async {
        await withTaskCancellationHandler {
            await withTaskExecutorPreference(value.monitor.executor) {
                await ConnectionMonitor.$current.withValue(value.monitor) {
                    await handleHTTP(asyncChannel: value.http, logger: logger)
                }
            }
        } onCancel: {
            // TLS can't close one half of what it receives.
            value.channel.close(mode: isSecure ? .all : .input, promise: nil)
        }
    }
}

/// What one connection may ask of the server.
package struct ConnectionLimits: Sendable {
    /// Bytes of a request body.
    var maxBodySize: Int
    /// How long a connection may be idle between or inside requests.
    var idleTimeout: TimeAmount?
    /// How long a client may take nothing of what is there for it.
    var writeTimeout: TimeAmount?
    /// How long a closing connection of another protocol waits for the client.
    var closeTimeout: TimeAmount

    package init(maxBodySize: Int, idleTimeout: TimeAmount?, writeTimeout: TimeAmount?, closeTimeout: TimeAmount) {
        self.maxBodySize = maxBodySize
        self.idleTimeout = idleTimeout
        self.writeTimeout = writeTimeout
        self.closeTimeout = closeTimeout
    }

    /// Hosts that vanish without a word are found out by the system: by keep-alive probes while nothing is sent, by missing
    /// acknowledgements while something is. What a slow reader has not taken stays small.
    func setSocketOptions(of channel: any Channel) {
        _ = channel.setOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
        #if os(Linux)
            let seconds = Int32(clamping: (writeTimeout ?? .seconds(60)).nanoseconds / 1_000_000_000)
            let options: [(name: CInt, value: Int32)] = [
                (4, 60),  // TCP_KEEPIDLE
                (5, 15),  // TCP_KEEPINTVL
                (6, 4),  // TCP_KEEPCNT
                (18, seconds > 0 ? seconds &* 1000 : 1000),  // TCP_USER_TIMEOUT, milliseconds
                (25, 128 << 10),  // TCP_NOTSENT_LOWAT, bytes
            ]
            for option in options {
                let name = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: option.name))
                _ = channel.setOption(name, value: SocketOptionValue(option.value))
            }
        #endif
    }

    /// Sizes of request heads.
    var decoder: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 32 << 10
        limits.maxHeaderListSize = 64 << 10
        limits.maxHeaderFieldCount = 200
        return limits
    }
}
