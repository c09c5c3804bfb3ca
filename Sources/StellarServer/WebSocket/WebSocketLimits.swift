/// Bounds of one WebSocket connection.
package struct WebSocketLimits: Sendable {
    /// Bytes of one frame.
    package var maxFrameSize = 8 << 20
    /// Bytes of one message, over all its frames.
    package var maxMessageSize = 8 << 20
    /// The client is pinged this often, and taken for dead if nothing has come from it between two pings.
    package var pingInterval = Duration.seconds(30)
    /// How long a client may say nothing while nothing is done for it; `nil`: for ever.
    package var idleTimeout: Duration? = .seconds(3600)
    /// How long a closing connection waits for the client.
    package var closeTimeout = Duration.seconds(2)

    package init() {}
}
