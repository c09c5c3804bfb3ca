public import StellarProtocol
internal import Synchronization

/// How far the server's model is.
public enum ModelState: Sendable {
    case loading
    case ready(any ChatBackend)
    /// Loading failed, for this reason.
    case failed(String)
    /// The server is draining: what runs is finished, nothing new starts.
    case stopping((any ChatBackend)?)
}

/// The one place that knows the server's backend; shared by all routes.
///
/// The port opens before the model is loaded, so routes ask here at each request. Every member may be called from any thread.
public final class BackendHolder: Sendable {
    private let current: Mutex<ModelState>

    public init(_ state: ModelState = .loading) {
        current = Mutex(state)
    }

    public var state: ModelState {
        current.withLock { $0 }
    }

    /// Loading has ended, with a backend or an error. Without effect once the server is stopping.
    public func set(_ state: ModelState) {
        current.withLock { current in
            if case .stopping = current { return }
            current = state
        }
    }

    /// From now on new requests are refused.
    public func stop() {
        current.withLock { current in
            switch current {
            case .ready(let backend): current = .stopping(backend)
            case .loading, .failed: current = .stopping(nil)
            case .stopping: break
            }
        }
    }

    /// The backend, where requests can be taken.
    ///
    /// - Throws: ``APIError`` 503; with a time to retry while the model loads.
    public func backend() throws(APIError) -> any ChatBackend {
        switch state {
        case .ready(let backend): return backend
        case .loading:
            throw .unavailable("The model is still being loaded. Try again in a moment.", code: "model_loading", retryAfter: 2)
        case .failed(let message):
            throw .unavailable("The model could not be loaded: \(message)", code: "model_load_failed", retryAfter: nil)
        case .stopping:
            throw .unavailable("The server is shutting down.", code: "server_stopping", retryAfter: 5)
        }
    }

    /// The models that can be used now; empty while there is no backend.
    public var models: [ModelObject] {
        switch state {
        case .ready(let backend), .stopping(.some(let backend)): backend.models
        default: []
        }
    }

    /// Whether requests can be taken, in the words of health checks.
    public var status: HealthResponse.Status {
        switch state {
        case .loading: .loading
        case .ready: .ok
        case .failed: .error
        case .stopping: .stopping
        }
    }

    /// The model may still come.
    public var isLoading: Bool { status == .loading }
    /// Requests are taken.
    public var isReady: Bool { status == .ok }

    /// The answer to a health check.
    public func health(version: String, uptimeSeconds: Double) -> HealthResponse {
        func response(_ status: HealthResponse.Status, _ backend: (any ChatBackend)?, _ message: String?) -> HealthResponse {
            let load = backend?.load ?? BackendLoad(running: 0, waiting: 0, maxWaiting: 0)
            return HealthResponse(
                status: status,
                model: backend?.models.first?.id,
                version: version,
                uptimeSeconds: uptimeSeconds,
                queue: .init(running: load.running, paused: load.paused, waiting: load.waiting, capacity: load.maxWaiting),
                message: message
            )
        }
        switch state {
        case .loading: return response(.loading, nil, "The model is being loaded.")
        case .ready(let backend): return response(.ok, backend, nil)
        case .failed(let message): return response(.error, nil, message)
        case .stopping(let backend): return response(.stopping, backend, "The server is shutting down.")
        }
    }
}
