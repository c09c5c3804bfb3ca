/// The answer of `GET /api/ready`.
public struct ReadyResponse: Codable, Sendable, Equatable {
    public var ready: Bool
    public var status: HealthResponse.Status

    public init(status: HealthResponse.Status) {
        self.ready = status == .ok
        self.status = status
    }
}
