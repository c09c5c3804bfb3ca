import Hummingbird
import Logging
import NIOCore

/// What is known about one request beside the request itself.
struct ServerRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The `x-request-id` of the request and its answer.
    var requestID = ""
    let receivedAt = ContinuousClock.now
    /// The address of the other end of the connection; `nil` where there is none (in-process tests).
    let peer: SocketAddress?
    /// Who asks.
    var caller = Caller()
    /// The HTTP/2 stream that the request came by; `nil` for one that came by a connection of its own.
    let stream: (any Channel)?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress
        // A stream's channel belongs to its connection's, and that to the one that accepts connections.
        stream = source.channel.parent?.parent == nil ? nil : source.channel
    }
}
