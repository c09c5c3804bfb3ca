/// The answer of `GET /api/health`.
public struct HealthResponse: Codable, Sendable, Equatable {
    public enum Status: String, Codable, Sendable {
        /// Ready for requests.
        case ok
        /// The model is being loaded; requests get 503.
        case loading
        /// The model could not be loaded; `message` says why.
        case error
        /// Running requests are finished, new ones get 503.
        case stopping
    }

    /// How busy the engine is.
    public struct Queue: Codable, Sendable, Equatable {
        public var running: Int
        /// Replies that rest until their reader has caught up.
        public var paused: Int
        public var waiting: Int
        /// Most requests that may wait.
        public var capacity: Int

        public init(running: Int, paused: Int = 0, waiting: Int, capacity: Int) {
            self.running = running
            self.paused = paused
            self.waiting = waiting
            self.capacity = capacity
        }
    }

    /// How storing sessions fares; chat goes on without it.
    public struct Sessions: Codable, Sendable, Equatable {
        public enum Status: String, Codable, Sendable {
            case ok
            /// Nothing is stored.
            case off
            /// The database fails; `message` says how.
            case error
        }

        public var status: Status
        public var message: String?

        public init(status: Status, message: String? = nil) {
            self.status = status
            self.message = message
        }
    }

    public var status: Status
    /// Name of the loaded model.
    public var model: String?
    public var version: String
    public var uptimeSeconds: Double
    public var queue: Queue
    public var message: String?
    public var sessions: Sessions?

    public init(status: Status, model: String?, version: String, uptimeSeconds: Double, queue: Queue, message: String? = nil) {
        self.status = status
        self.model = model
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.queue = queue
        self.message = message
    }

    enum CodingKeys: String, CodingKey {
        case status, model, version, queue, message, sessions
        case uptimeSeconds = "uptime_seconds"
    }

    /// `model` is written as `null` while there is none, so that the key can be relied on.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(status, forKey: .status)
        try container.encode(model, forKey: .model)
        try container.encode(version, forKey: .version)
        try container.encode(uptimeSeconds, forKey: .uptimeSeconds)
        try container.encode(queue, forKey: .queue)
        try container.encodeIfPresent(message, forKey: .message)
        try container.encodeIfPresent(sessions, forKey: .sessions)
    }
}
