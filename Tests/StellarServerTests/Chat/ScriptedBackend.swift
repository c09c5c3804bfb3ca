import StellarInference
import StellarProtocol
import StellarServer
import Synchronization

/// A backend that plays what a test wrote.
final class ScriptedBackend: ChatBackend {
    let models = [ModelObject(id: "tiny", created: 1, contextLength: 64)]
    let fingerprint = "fp_test"
    let load = BackendLoad(running: 1, waiting: 2, maxWaiting: 3)

    /// The streams of the next request, or why it is refused.
    private let script: @Sendable (ChatGeneration) throws(APIError) -> [ChatStream]
    private let seen = Mutex<[ChatGeneration]>([])

    var generations: [ChatGeneration] { seen.withLock { $0 } }

    init(_ script: @escaping @Sendable (ChatGeneration) throws(APIError) -> [ChatStream]) {
        self.script = script
    }

    /// Each choice says its words and ends.
    convenience init(choices: [[ChoiceEvent]], then error: (any Error)? = nil) {
        self.init { _ in
            choices.map { events in
                AsyncThrowingStream { continuation in
                    for event in events { continuation.yield(event) }
                    continuation.finish(throwing: error)
                }
            }
        }
    }

    func start(_ generation: ChatGeneration) async throws(APIError) -> [ChatStream] {
        seen.withLock { $0.append(generation) }
        return try script(generation)
    }
}

/// Streams that a test feeds by hand, and that tell when they are cancelled.
final class LiveChoices: Sendable {
    let streams: [AsyncThrowingStream<ChoiceEvent, any Error>]
    private let continuations: [AsyncThrowingStream<ChoiceEvent, any Error>.Continuation]
    private let ended: AsyncStream<Int>

    init(count: Int) {
        let (ended, endings) = AsyncStream<Int>.makeStream()
        let pairs = (0..<count).map { _ in AsyncThrowingStream<ChoiceEvent, any Error>.makeStream() }
        for (index, pair) in pairs.enumerated() {
            pair.continuation.onTermination = { reason in
                if case .cancelled = reason { endings.yield(index) }
            }
        }
        self.ended = ended
        streams = pairs.map(\.stream)
        continuations = pairs.map(\.continuation)
    }

    func send(_ event: ChoiceEvent, choice: Int = 0) {
        continuations[choice].yield(event)
    }

    func finish(choice: Int = 0, throwing error: (any Error)? = nil) {
        continuations[choice].finish(throwing: error)
    }

    /// Waits until this many choices have been cancelled, and returns which.
    func cancelled(_ count: Int) async -> Set<Int> {
        var choices: Set<Int> = []
        for await choice in ended {
            choices.insert(choice)
            if choices.count == count { break }
        }
        return choices
    }
}

/// Keeps what it is told.
final class RecordingObserver: ChatObserver {
    private let log = Mutex<[String]>([])

    var entries: [String] { log.withLock { $0 } }

    func observe(_ observation: ChatObservation, model: String?) {
        let entry =
            switch observation {
            case .rejected(let error): "rejected \(error.code ?? "-")"
            case .queued(let choices): "queued \(choices)"
            case .firstToken: "first token"
            case .tokens(let count, _): "tokens \(count)"
            case .finished(let end, _): "finished \(end.finishReason)"
            case .failed(let error): "failed \(error.code ?? "-")"
            case .cancelled: "cancelled"
            }
        log.withLock { $0.append("\(model ?? "-"): \(entry)") }
    }
}

func textEvent(_ text: String) -> ChoiceEvent {
    .delta(ChoiceDelta(text: text))
}

func endEvent(_ reason: String = "stop", prompt: Int = 5, cached: Int = 2, completion: Int = 3) -> ChoiceEvent {
    .finished(
        ChoiceEnd(
            finishReason: reason,
            usage: TokenUsage(promptTokens: prompt, cachedTokens: cached, completionTokens: completion),
            timings: GenerationTimings(queue: .milliseconds(1), prefill: .milliseconds(6), decode: .milliseconds(4))
        )
    )
}

func userRequest(_ configure: (inout ChatCompletionRequest) -> Void = { _ in }) -> ChatCompletionRequest {
    var request = ChatCompletionRequest(messages: [ChatMessage(role: "user", content: .text("Hi"))])
    configure(&request)
    return request
}

func scriptedService(_ backend: any ChatBackend, observer: (any ChatObserver)? = nil) -> ChatService {
    ChatService(holder: BackendHolder(.ready(backend)), observer: observer, makeID: { "1" }, now: { 7 })
}

/// The frames as JSON text, and the error that ended them.
func transcript<Mapper: ReplyMapper>(_ frames: ReplyFrames<Mapper>) async -> (lines: [String], error: (any Error)?)
where Mapper.Frame: Encodable {
    var lines: [String] = []
    do {
        for try await frame in frames { lines.append(String(decoding: try JSONCoding.encode(frame), as: UTF8.self)) }
        return (lines, nil)
    } catch {
        return (lines, error)
    }
}
