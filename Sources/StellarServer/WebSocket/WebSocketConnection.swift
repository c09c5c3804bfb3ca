import Logging
import NIOCore
import NIOWebSocket
import ServiceLifecycle
import StellarProtocol

/// Performs for one connection what ``WebSocketMessageReader`` and ``ChatSession`` decide.
///
/// Frames are read all the time, also while a reply is written, so that pings, `chat.cancel` and the client's close are seen at once.
actor WebSocketConnection {
    typealias Outbound = NIOAsyncChannelOutboundWriter<WebSocketFrame>

    private let channel: any Channel
    private let outbound: Outbound
    private let limits: WebSocketLimits
    private let chat: ChatService
    private let sessions: SessionStore?
    private let access: AccessPolicy
    private let caller: Caller
    private let logger: Logger
    private var session: ChatSession
    private var reader: WebSocketMessageReader
    private var generation: StreamPump<ReplyPart>?
    private var reply: Task<Void, Never>?
    private var hasHeardFromClient = true
    private var isClosing = false
    /// Whether the client has stopped the running reply.
    private var isCancelled = false

    init(
        session: ChatSession,
        channel: any Channel,
        outbound: Outbound,
        limits: WebSocketLimits,
        chat: ChatService,
        sessions: SessionStore?,
        access: AccessPolicy,
        caller: Caller,
        logger: Logger
    ) {
        self.session = session
        self.channel = channel
        self.outbound = outbound
        self.limits = limits
        self.chat = chat
        self.sessions = sessions
        self.access = access
        self.caller = caller
        self.logger = logger
        self.reader = WebSocketMessageReader(maxMessageSize: limits.maxMessageSize)
    }

    /// Returns when the connection is over and nothing is generated for it any more.
    nonisolated func run(_ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>) async {
        let watcher = caller.keyID.flatMap { key in
            access.keys?.onRevocation(of: key) { Task { await self.revoke() } }
        }
        defer { if let watcher { access.keys?.removeWatcher(watcher) } }
        await withTaskGroup(of: Void.self) { group in
            await begin()
            group.addTask { await self.pingRegularly() }
            group.addTask {
                guard (try? await gracefulShutdown()) != nil else { return }
                await self.shutDown()
            }
            do {
                for try await frame in inbound { await receive(frame) }
            } catch let error as NIOWebSocketError {
                await close(WebSocketErrorCode(decoderError: error), reason: "\(error)")
                // The decoder takes no more frames; what the client has still under way is left unread until it closes.
                try? await channel.closeFuture.get()
            } catch {
                logger.debug("WebSocket can't be read", metadata: ["error": "\(error)"])
            }
            group.cancelAll()
        }
        await end()
    }

    private func begin() async {
        await perform(session.start())
    }

    private func end() async {
        isClosing = true
        generation?.cancel()
        await reply?.value
    }

    // MARK: Reading

    private func receive(_ frame: WebSocketFrame) async {
        hasHeardFromClient = true
        guard !isClosing else { return }
        switch reader.receive(frame) {
        case .text(let text): await perform(session.receive(text))
        case .ping(let data): await send(WebSocketFrame(fin: true, opcode: .pong, data: data))
        case .close(let code): await close(code, reason: "")
        case .violation(let code, let reason): await close(code, reason: reason)
        case nil: break
        }
    }

    private func pingRegularly() async {
        while (try? await Task.sleep(for: limits.pingInterval)) != nil, !isClosing {
            guard hasHeardFromClient else {
                await close(.goingAway, reason: "No answer to a ping.")
                return
            }
            hasHeardFromClient = false
            await send(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer(integer: UInt64.random(in: .min ... .max))))
        }
    }

    private func shutDown() async {
        await perform(session.shutDown())
    }

    private func revoke() async {
        await close(.apiKeyRevoked, reason: "The API key is no longer valid.")
    }

    // MARK: Acting

    private func perform(_ actions: [ChatSession.Action]) async {
        for action in actions {
            switch action {
            case .send(let event): await send([event])
            case .reply(let request, let id): start(ReplyPart.pump(request, chat: chat, access: access, caller: caller), id: id)
            case .storedReply(let request, let id, let content, let place): start(request, content, place, id: id)
            case .cancelReply:
                isCancelled = true
                generation?.cancel()
            case .close: await close(.goingAway, reason: "The server is shutting down.")
            }
        }
    }

    private func start(_ request: ChatCompletionRequest, _ content: ChatContent?, _ place: ExchangePlace, id: String?) {
        let pump: StreamPump<ReplyPart>
        do throws(APIError) {
            guard let sessions else { throw .sessionsAreOff }
            let exchange = try StoredExchange(store: sessions, owner: caller.owner, place: place)
            pump = ReplyPart.pump(request, content: content, exchange: exchange, chat: chat, access: access, caller: caller)
        } catch {
            pump = StreamPump { _ in throw error }
        }
        start(pump, id: id)
    }

    private func start(_ pump: StreamPump<ReplyPart>, id: String?) {
        generation = pump
        isCancelled = false
        // The session takes a new message before the last event of the reply before is on the wire: keep their order.
        reply = Task { [previous = reply] in
            await previous?.value
            await write(pump, id: id)
        }
    }

    /// Writes the events of a reply. This task is never cancelled, so that a cancelled generation still ends in good order.
    private func write(_ generation: StreamPump<ReplyPart>, id: String?) async {
        var mapper = WebSocketMapper(id: id)
        var hasStarted = false
        var recorder: ReplyRecorder?
        do {
            for try await part in generation.elements {
                switch part {
                case .started(let started):
                    hasStarted = true
                    recorder = started
                    await send(mapper.start())
                case .event(let event):
                    recorder?.record(event)
                    await send(mapper.map(event))
                }
            }
            if isCancelled { recorder?.expect(.cancelled) }
            await recorder?.end()
            if !hasStarted { await send(mapper.start()) }
            let last = mapper.finish()
            await finish(.text(mapper.text), sending: last)
        } catch {
            await recorder?.end(error: error)
            logger.debug("Reply failed", metadata: ["error": "\(error)"])
            let event = WebSocketServerEvent(.error(APIError(anyError: error).response.error), id: id)
            await finish(.failed, sending: [event])
        }
    }

    /// The session knows that the reply is over before the client does: its next message may come at once.
    private func finish(_ end: ChatSession.ReplyEnd, sending events: [WebSocketServerEvent]) async {
        generation = nil
        let actions = session.replyEnded(end)
        await send(events)
        await perform(actions)
    }

    // MARK: Writing

    private func send(_ events: [WebSocketServerEvent]) async {
        for event in events {
            do {
                await send(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(bytes: try JSONCoding.encode(event))))
            } catch {
                logger.error("Event can't be encoded", metadata: ["error": "\(error)"])
            }
        }
    }

    private func send(_ frame: WebSocketFrame) async {
        guard !isClosing else { return }
        do {
            try await outbound.write(frame)
        } catch {
            // The client is gone: nothing more is worth generating for it.
            isClosing = true
            generation?.cancel()
        }
    }

    /// Sends a close frame, stops generating, and gives the client a moment to close its side.
    private func close(_ code: WebSocketErrorCode, reason: String) async {
        guard !isClosing else { return }
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        data.writeString(reason)
        await send(WebSocketFrame(fin: true, opcode: .connectionClose, data: data))
        isClosing = true
        generation?.cancel()
        let channel = self.channel
        channel.close(mode: .output, promise: nil)
        channel.eventLoop.scheduleTask(in: TimeAmount(limits.closeTimeout)) { channel.close(promise: nil) }
    }
}

extension WebSocketErrorCode {
    /// The client's key was deactivated or deleted.
    static let apiKeyRevoked = WebSocketErrorCode(codeNumber: 4000)
}
