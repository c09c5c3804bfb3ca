internal import StellarInference
public import StellarProtocol

/// A reply that has started: what its documents have in common, and its events.
///
/// Cancelling the task that iterates over `events`, calling ``cancel()``, or dropping the reply ends all of its generations at once.
public struct ChatReply: Sendable {
    /// What all documents of one reply have in common.
    public struct Head: Sendable, Equatable {
        public var id: String
        /// Seconds since 1970.
        public var created: Int
        public var model: String
        public var systemFingerprint: String

        public init(id: String, created: Int, model: String, systemFingerprint: String) {
            self.id = id
            self.created = created
            self.model = model
            self.systemFingerprint = systemFingerprint
        }
    }

    public let head: Head
    public let request: ValidatedChatRequest
    public let events: ReplyEvents

    init(head: Head, request: ValidatedChatRequest, events: ReplyEvents) {
        self.head = head
        self.request = request
        self.events = events
    }

    /// Ends all generations of the reply; without effect on one that has ended.
    public func cancel() {
        events.cancel()
    }

    /// The reply as chunks. An error of the reply is thrown.
    public var chunks: ReplyFrames<ChunkMapper> {
        ReplyFrames(events, ChunkMapper(self))
    }

    /// The reply as chunks of a legacy completion. An error of the reply is thrown.
    public var completionChunks: ReplyFrames<CompletionMapper> {
        ReplyFrames(events, CompletionMapper(self))
    }

    /// The reply as WebSocket events. An error of the reply is thrown.
    ///
    /// - Parameter id: echoed in every event.
    public func webSocketEvents(id: String?) -> ReplyFrames<WebSocketMapper> {
        ReplyFrames(events, WebSocketMapper(id: id, choiceCount: request.choiceCount))
    }

    /// The whole reply as one document.
    ///
    /// - Throws: ``APIError`` of the reply, or `CancellationError`.
    public func collect() async throws -> ChatCompletionResponse {
        try await collected().response
    }

    /// The whole reply to a legacy completion as one document.
    ///
    /// - Throws: ``APIError`` of the reply, or `CancellationError`.
    public func collectCompletion() async throws -> CompletionResponse {
        try await collected().completion
    }

    private func collected() async throws -> ResponseCollector {
        var collector = ResponseCollector(
            head: head,
            choiceCount: request.totalChoiceCount,
            choicesPerPrompt: request.choiceCount
        )
        for try await event in events { collector.add(event) }
        try Task.checkCancellation()
        return collector
    }
}

/// An event of one of a reply's choices.
public struct ChatEvent: Sendable, Equatable {
    /// Index of the choice.
    public var choice: Int
    public var event: ChoiceEvent

    public init(choice: Int, _ event: ChoiceEvent) {
        self.choice = choice
        self.event = event
    }
}
