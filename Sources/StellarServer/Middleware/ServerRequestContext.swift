import Hummingbird
import Logging

/// What is known about one request beside the request itself.
struct ServerRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The `x-request-id` of the request and its answer.
    var requestID = ""
    let receivedAt = ContinuousClock.now

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
    }
}
