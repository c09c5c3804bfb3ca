import StellarInference
import StellarProtocol
import StellarServer
import Synchronization

/// A backend that does what the last message of the conversation says, and remembers what happened to its generations.
final class WordBackend: ChatBackend {
    /// What a generation does.
    enum Script {
        /// These pieces, then the end.
        case pieces([String], finishReason: String = "stop")
        /// Pieces without end, until it is cancelled.
        case endless
        /// Nothing at all, until it is cancelled.
        case silent
        /// One piece, then nothing until ``WordBackend/release()``, then the end.
        case slow
        case failAtStart(APIError)
        case failAfter([String], APIError)
    }

    struct Record: Sendable, Equatable {
        var started = 0
        var cancelled = 0
        var conversations: [[ChatMessage]] = []
    }

    static let model = "scripted"
    let models = [ModelObject(id: WordBackend.model, created: 1_700_000_000, contextLength: 2048)]
    let fingerprint = "fp_scripted"
    private let record = Mutex(Record())
    private let (released, releasing) = AsyncStream<Void>.makeStream()
    private let script: @Sendable (String) -> Script

    init(_ script: @escaping @Sendable (String) -> Script = WordBackend.byWord) {
        self.script = script
    }

    /// The scripts of most tests: told apart by the user's message.
    static let byWord: @Sendable (String) -> Script = { word in
        switch word {
        case "endless": .endless
        case "silent": .silent
        case "slow": .slow
        case "full": .failAtStart(.unavailable("The queue is full.", code: "queue_full", retryAfter: 1))
        case "long": .failAtStart(.invalidRequest("This model's maximum context length is 4 tokens.", code: "context_length_exceeded"))
        case "broken": .failAfter(["some", " text"], .internalError("It broke."))
        case "cut": .pieces(["cut"], finishReason: "length")
        case "unicode": .pieces(["你好", " 🎉", "\n\"quoted\""])
        default: .pieces(["Hello", ", ", "world"])
        }
    }

    var load: BackendLoad { BackendLoad(running: active, waiting: 0, maxWaiting: 64, cacheUsage: 0.25) }
    var seen: Record { record.withLock { $0 } }
    private var active: Int { record.withLock { $0.started - $0.cancelled } }

    func start(_ generation: ChatGeneration) async throws(APIError) -> [ChatStream] {
        record.withLock {
            $0.started += 1
            $0.conversations.append(generation.request.messages)
        }
        var words = [generation.request.messages.last.map(Self.text) ?? ""]
        if case .prompts(let prompts) = generation.request.input {
            words = prompts.map { if case .text(let text) = $0 { text } else { "tokens" } }
        }
        let scripts = words.map(script)
        for case .failAtStart(let error) in scripts { throw error }
        return scripts.flatMap { script in (0..<generation.request.choiceCount).map { _ in stream(script) } }
    }

    private static func text(of message: ChatMessage) -> String {
        switch message.content {
        case .text(let text): text
        case .parts, nil: ""
        }
    }

    private func stream(_ script: Script) -> ChatStream {
        let (stream, continuation) = AsyncThrowingStream<ChoiceEvent, any Error>.makeStream()
        let task = Task { [self] in
            do {
                try await play(script, into: continuation)
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { [self] reason in
            guard case .cancelled = reason else { return }
            task.cancel()
            record.withLock { $0.cancelled += 1 }
        }
        return stream
    }

    private func play(_ script: Script, into continuation: AsyncThrowingStream<ChoiceEvent, any Error>.Continuation) async throws {
        func say(_ pieces: [String]) {
            for piece in pieces { continuation.yield(.delta(ChoiceDelta(text: piece))) }
        }
        switch script {
        case .pieces(let pieces, let reason):
            say(pieces)
            continuation.yield(.finished(Self.end(reason, tokens: pieces.count)))
            continuation.finish()
        case .endless:
            while true {
                say(["x"])
                try await Task.sleep(for: .milliseconds(2))
            }
        case .slow:
            say(["a"])
            for await _ in released { break }
            continuation.yield(.finished(Self.end("stop", tokens: 1)))
            continuation.finish()
        case .silent: while true { try await Task.sleep(for: .seconds(60)) }
        case .failAtStart(let error): throw error
        case .failAfter(let pieces, let error):
            say(pieces)
            throw error
        }
    }

    private static func end(_ reason: String, tokens: Int) -> ChoiceEnd {
        ChoiceEnd(
            finishReason: reason,
            usage: TokenUsage(promptTokens: 7, cachedTokens: 2, completionTokens: tokens),
            timings: GenerationTimings(queue: .milliseconds(1), prefill: .milliseconds(2), decode: .milliseconds(3))
        )
    }

    /// Lets slow generations end.
    func release() {
        releasing.finish()
    }

    /// Returns when `condition` holds; a test that waits in vain ends by its time limit.
    func until(_ condition: (Record) -> Bool) async throws {
        while !condition(seen) { try await Task.sleep(for: .milliseconds(5)) }
    }
}
