internal import Foundation
public import StellarProtocol

/// Turns chat completion requests into replies; knows nothing of sockets.
///
/// Thread contract: every member may be called from any task.
public struct ChatService: Sendable {
    private let holder: BackendHolder
    private let limits: ChatRequestLimits
    private let observer: (any ChatObserver)?
    private let timeout: Duration?
    private let makeID: @Sendable () -> String
    private let now: @Sendable () -> Int

    /// - Parameters:
    ///   - timeout: how long a reply may take; requests may ask for less.
    ///   - makeID: makes the part of a reply's id after `chatcmpl-`.
    ///   - now: seconds since 1970.
    public init(
        holder: BackendHolder,
        limits: ChatRequestLimits = ChatRequestLimits(),
        observer: (any ChatObserver)? = nil,
        timeout: Duration? = nil,
        makeID: @escaping @Sendable () -> String = ChatService.randomID,
        now: @escaping @Sendable () -> Int = ChatService.secondsSince1970
    ) {
        self.holder = holder
        self.limits = limits
        self.observer = observer
        self.timeout = timeout
        self.makeID = makeID
        self.now = now
    }

    /// Checks a request and starts its generations.
    ///
    /// - Throws: ``APIError``: everything that can be known before the first byte of a reply.
    public func start(_ request: ChatCompletionRequest) async throws(APIError) -> ChatReply {
        try await start(idPrefix: "chatcmpl-") { () throws(APIError) in try request.validate(limits: limits) }
    }

    /// Checks a legacy completion request and starts its generations; like ``start(_:)``.
    public func start(_ request: CompletionRequest) async throws(APIError) -> ChatReply {
        try await start(idPrefix: "cmpl-") { () throws(APIError) in try request.validate(limits: limits) }
    }

    private func start(
        idPrefix: String,
        validate: () throws(APIError) -> ValidatedChatRequest
    ) async throws(APIError) -> ChatReply {
        do throws(APIError) {
            return try await admit(try validate(), idPrefix: idPrefix)
        } catch {
            observer?.observe(.rejected(error), model: nil)
            throw error
        }
    }

    /// Starts a reply and returns its chunks; see ``start(_:)``.
    public func stream(_ request: ChatCompletionRequest) async throws(APIError) -> ReplyFrames<ChunkMapper> {
        try await start(request).chunks
    }

    /// The whole reply to a request.
    ///
    /// - Throws: ``APIError``, or `CancellationError` if the task was cancelled, which ends the generations at once.
    public func complete(_ request: ChatCompletionRequest) async throws -> ChatCompletionResponse {
        try await start(request).collect()
    }

    private func admit(_ request: ValidatedChatRequest, idPrefix: String) async throws(APIError) -> ChatReply {
        let arrival = ContinuousClock.now
        let backend = try holder.backend()
        let model = try Self.model(named: request.model, of: backend)
        let streams = try await backend.start(ChatGeneration(model: model, request: request))
        observer?.observe(.queued(choices: streams.count), model: model)
        let head = ChatReply.Head(
            id: idPrefix + makeID(),
            created: now(),
            model: model,
            systemFingerprint: backend.fingerprint
        )
        let watch = ReplyWatch(observer: observer?.forReply(), model: model, arrival: arrival)
        let source = source(of: streams, watch: watch, deadline: deadline(of: request, from: arrival))
        return ChatReply(head: head, request: request, events: ReplyEvents(source))
    }

    /// One stream is read as it is, if it can be: each step of the way costs time for every token.
    private func source(of streams: [ChatStream], watch: ReplyWatch, deadline: ContinuousClock.Instant?) -> any ReplySource {
        if streams.count == 1, let stream = streams[0] as? any BatchedChatStream {
            return SingleReplySource(stream, watch: watch, deadline: deadline)
        }
        return MergedReplySource(streams, watch: watch, deadline: deadline, executor: ConnectionMonitor.current?.executor)
    }

    private func deadline(of request: ValidatedChatRequest, from arrival: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let asked = request.timeoutSeconds.map { Duration.seconds($0) }
        return [timeout, asked].compactMap { $0 }.min().map { arrival + $0 }
    }

    /// The tokens of a text or a conversation.
    public func tokenize(_ request: TokenizeRequest) throws(APIError) -> TokenizeResponse {
        let backend = try holder.backend()
        _ = try Self.model(named: request.model, of: backend)
        return try backend.tokenize(request)
    }

    /// The text of tokens.
    public func detokenize(_ request: DetokenizeRequest) throws(APIError) -> DetokenizeResponse {
        let backend = try holder.backend()
        _ = try Self.model(named: request.model, of: backend)
        return DetokenizeResponse(content: try backend.detokenize(request.tokens))
    }

    private static func model(named name: String?, of backend: any ChatBackend) throws(APIError) -> String {
        let models = backend.models
        guard let name, !name.isEmpty else {
            guard let first = models.first else { throw .internalError("The server has no model.") }
            return first.id
        }
        guard models.contains(where: { $0.id == name }) else { throw .modelNotFound(name) }
        return name
    }

    public static let secondsSince1970: @Sendable () -> Int = { Int(Date().timeIntervalSince1970) }

    /// 24 random letters and digits: 142 bits.
    public static let randomID: @Sendable () -> String = {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<24).compactMap { _ in alphabet.randomElement() })
    }
}
