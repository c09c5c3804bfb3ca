import Hummingbird

/// Gives each HTTP/2 stream a ``ConnectionMonitor`` of its own: a client that resets it has gone, as far as its request is concerned.
struct StreamMonitorMiddleware: RouterMiddleware {
    typealias Context = ServerRequestContext

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        guard let stream = context.stream else { return try await next(request, context) }
        let monitor = ConnectionMonitor(executor: EventLoopTaskExecutor(stream.eventLoop))
        stream.closeFuture.whenComplete { _ in monitor.close() }
        return try await ConnectionMonitor.$current.withValue(monitor) { try await next(request, context) }
    }
}
