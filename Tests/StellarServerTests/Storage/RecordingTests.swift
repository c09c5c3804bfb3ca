import StellarInference
import StellarProtocol
import StellarServer
import Testing

@Suite("Recording of replies", .timeLimit(.minutes(20)))
struct RecordingTests {
    private let storage: TestStorage
    private var store: SessionStore { storage.sessions }

    init() throws {
        storage = try TestStorage()
    }

    private let question = [ChatMessage(role: "user", content: .text("question"))]

    private func exchange(_ place: ExchangePlace = ExchangePlace(sessionID: "s", userMessageID: "u", messageID: "m")) throws
        -> StoredExchange
    {
        try StoredExchange(store: store, owner: "", place: place)
    }

    private func reply() async throws -> SessionMessage {
        try #require(try await store.messages(of: "s", owner: "", limit: 10, after: nil).data.first { $0.role == .assistant })
    }

    private func delta(_ text: String, choice: Int = 0) -> ChatEvent {
        ChatEvent(choice: choice, .delta(ChoiceDelta(text: text)))
    }

    private var end: ChatEvent {
        let usage = TokenUsage(promptTokens: 3, cachedTokens: 0, completionTokens: 2)
        let timings = GenerationTimings(queue: .zero, prefill: .milliseconds(1), decode: .milliseconds(1))
        return ChatEvent(choice: 0, .finished(ChoiceEnd(finishReason: "stop", usage: usage, timings: timings)))
    }

    @Test("The user's message and the beginning of the reply are there before the first event")
    func begin() async throws {
        let recorder = try await exchange().begin(question, model: "x")
        #expect(try await store.history(of: "s", owner: "").map(\.content) == ["question", ""])
        #expect(try await reply().state == .streaming)
        #expect(recorder.userMessageID == "u" && recorder.messageID == "m")
        await recorder.end()
    }

    @Test("A complete reply is stored with its counts when its end is known")
    func complete() async throws {
        let recorder = try await exchange().begin(question, model: "x")
        for event in [delta("Hel"), delta("other", choice: 1), delta("lo"), end] { recorder.record(event) }
        await recorder.end()
        let stored = try await reply()
        #expect(stored.content == "Hello" && stored.state == .complete && stored.finishReason == "stop")
        #expect(stored.usage?["completion_tokens"] == .integer(2))
        #expect(stored.timings?["prompt_n"] == .integer(3))
    }

    @Test("A reply is written while it is generated")
    func writtenMeanwhile() async throws {
        let recorder = try await exchange().begin(question, model: "x")
        recorder.record(delta("part"))
        while try await reply().content != "part" { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try await reply().state == .streaming)
        await recorder.end()
    }

    @Test(
        "How a reply broke off is its state",
        arguments: [
            (SessionMessage.State.interrupted, nil), (.cancelled, nil), (.failed, APIError.internalError("It broke.") as any Error),
            (.interrupted, CancellationError() as any Error),
        ] as [(SessionMessage.State, (any Error)?)]
    )
    func brokenOff(state: SessionMessage.State, error: (any Error)?) async throws {
        let recorder = try await exchange().begin(question, model: "x")
        recorder.record(delta("part"))
        if state == .cancelled { recorder.expect(.cancelled) }
        await recorder.end(error: error)
        recorder.record(delta(" late"))
        let stored = try await reply()
        #expect(stored.content == "part" && stored.state == state && stored.finishReason == nil)
    }

    @Test("A recorder that is forgotten, and a server that stops, leave interrupted replies")
    func forgotten() async throws {
        do {
            let recorder = try await exchange().begin(question, model: "x")
            recorder.record(delta("part"))
        }
        while try await reply().state == .streaming { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try await reply().state == .interrupted)
        let recorder = try await exchange(ExchangePlace(sessionID: "t")).begin(question, model: "x")
        recorder.record(delta("half"))
        await store.finish()
        let stored = try #require(try await store.history(of: "t", owner: "").last)
        #expect(stored.state == .interrupted && stored.content == "half")
    }

    @Test("The end is stored though the task that reports it was cancelled")
    func cancelledTask() async throws {
        let recorder = try await exchange().begin(question, model: "x")
        recorder.record(delta("part"))
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            await recorder.end()
        }
        task.cancel()
        await task.value
        #expect(try await reply().state == .interrupted)
    }

    @Test("What a database that failed did not take is written when it works again")
    func writtenLater() async throws {
        let recorder = try await exchange().begin(question, model: "x")
        recorder.record(delta("text"))
        recorder.record(end)
        try await storage.database.forbidWriting(true)
        await recorder.end()
        #expect(try await reply().state == .streaming)
        try await storage.database.forbidWriting(false)
        while try await reply().state == .streaming { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try await reply().content == "text")
    }

    @Test("Replies that a crash left behind are interrupted at the next start")
    func recovery() async throws {
        let recorder = try await exchange().begin(question, model: "x")
        #expect(try await store.recover() == 1)
        #expect(try await reply().state == .interrupted)
        await recorder.end()
    }

    @Test("The history is the conversation where a message comes alone")
    func history() async throws {
        let first = try await exchange().begin([ChatMessage(role: "system", content: .text("Be brief."))] + question, model: "x")
        first.record(delta("answer"))
        first.record(end)
        await first.end()
        let next = try exchange(ExchangePlace(sessionID: "s"))
        let conversation = try await next.conversation([], content: .text("more"))
        #expect(conversation.map(\.role) == ["system", "user", "assistant", "user"])
        #expect(conversation.map(\.text) == ["Be brief.", "question", "answer", "more"])
        let again = try exchange(ExchangePlace(sessionID: "s", userMessageID: "u", messageID: "m2"))
        #expect(try await again.conversation([], content: nil).map(\.text) == ["Be brief.", "question"])
        let root = try exchange(ExchangePlace(sessionID: "s", parentID: .set(nil)))
        #expect(try await root.conversation([], content: .text("new")).map(\.text) == ["Be brief.", "new"])
    }

    @Test("An exchange that does not fit its session is refused")
    func misfits() async throws {
        await (try exchange().begin(question, model: "x")).end()
        for place in [
            ExchangePlace(sessionID: "s", messageID: "m"), ExchangePlace(sessionID: "s", parentID: .set("none")),
            ExchangePlace(sessionID: "new", parentID: .set("m")), ExchangePlace(sessionID: "s", userMessageID: "m"),
        ] {
            await #expect(throws: APIError.self) { try await exchange(place).conversation(question, content: nil) }
            await #expect(throws: APIError.self) { try await exchange(place).begin(question, model: "x") }
        }
        #expect(throws: APIError.self) { try exchange(ExchangePlace(sessionID: "a b")) }
        #expect(throws: APIError.self) { try exchange(ExchangePlace(sessionID: "s", userMessageID: "x", messageID: "x")) }
        #expect(try await store.messages(of: "s", owner: "", limit: 10, after: nil).data.count == 2)
    }
}
