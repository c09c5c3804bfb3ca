import Logging
import NIOWebSocket
import StellarProtocol

/// Performs for one WebSocket what ``ChatSession`` decides.
actor ChatSocket: WebSocketSession {
    /// A reply that is being generated.
    private struct Running {
        var canceller: ReplyCanceller
        var task: Task<Void, Never>
    }

    private let gate: ReplyGate
    private let metrics: ServerMetrics
    private let logger: Logger
    private var session: ChatSession
    private var connection: WebSocketConnection?
    private var reply: Running?
    private var isClosed = false
    private var revocation: Int?

    init(session: ChatSession, gate: ReplyGate, metrics: ServerMetrics, logger: Logger) {
        self.session = session
        self.gate = gate
        self.metrics = metrics
        self.logger = logger
    }

    var isBusy: Bool { session.isReplying }

    func opened(_ connection: WebSocketConnection) async {
        self.connection = connection
        revocation = gate.onRevocation { Task { await connection.close(.apiKeyRevoked, reason: "The API key is no longer valid.") } }
        await perform(session.start())
    }

    func receive(text: String) async {
        metrics.webSocketMessagesTotal(direction: "in").increment(by: 1.0)
        await perform(session.receive(text))
    }

    func shutDown() async {
        await perform(session.shutDown())
    }

    func closed() async {
        isClosed = true
        gate.removeWatcher(revocation)
        reply?.canceller.cancel(isClients: false)
        await reply?.task.value
    }

    // MARK: Acting

    private func perform(_ actions: [ChatSession.Action]) async {
        for action in actions {
            switch action {
            case .send(let event): await send([event])
            case .reply(let turn): start(turn)
            case .cancelReply: reply?.canceller.cancel(isClients: true)
            case .close: await connection?.close(.goingAway, reason: "The server is shutting down.")
            }
        }
    }

    private func start(_ turn: ChatSession.Turn) {
        guard !isClosed else { return }
        let gate = self.gate
        let generation = Task(executorPreference: ConnectionMonitor.current?.executor) { try await gate.start(turn) }
        let canceller = ReplyCanceller(generation)
        // The session takes a new message before the last event of the reply before is on the wire: keep their order.
        let task = Task(executorPreference: ConnectionMonitor.current?.executor) { [previous = reply?.task] in
            await previous?.value
            await self.write(generation, turn, canceller)
        }
        reply = Running(canceller: canceller, task: task)
    }

    /// Writes the events of a reply. This task is never cancelled, so that a cancelled generation still ends in good order.
    private func write(_ generation: Task<ChatReply, any Error>, _ turn: ChatSession.Turn, _ canceller: ReplyCanceller) async {
        var mapper = WebSocketMapper(id: turn.id, showsProgress: turn.wantsProgress)
        do {
            do {
                let reply = try await generation.value
                canceller.started(reply)
                await send(mapper.start())
                var events = reply.events.makeAsyncIterator()
                while let batch = try await events.nextBatch() {
                    for event in batch { await send(mapper.map(event)) }
                }
            } catch is CancellationError {
                // Cancelled, perhaps before it began: what there is of it stays.
                await send(mapper.start())
            }
            let last = mapper.finish()
            await finish(.text(mapper.text), sending: last)
        } catch {
            logger.debug("Reply failed", metadata: ["error": "\(error)"])
            let event = WebSocketServerEvent(.error(APIError(anyError: error).response.error), id: turn.id)
            await finish(.failed, sending: [event])
        }
    }

    /// The session knows that the reply is over before the client does: its next message may come at once.
    private func finish(_ end: ChatSession.ReplyEnd, sending events: [WebSocketServerEvent]) async {
        let actions = session.replyEnded(end)
        await send(events)
        await perform(actions)
    }

    private func send(_ events: [WebSocketServerEvent]) async {
        for event in events {
            do {
                await connection?.send(text: try JSONCoding.encode(event))
                metrics.webSocketMessagesTotal(direction: "out").increment(by: 1.0)
            } catch {
                logger.error("Event can't be encoded", metadata: ["error": "\(error)"])
            }
        }
    }
}

extension WebSocketErrorCode {
    /// The client's key was deactivated or deleted.
    static let apiKeyRevoked = WebSocketErrorCode(codeNumber: 4000)
}
