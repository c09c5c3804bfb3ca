import StellarInference
import StellarProtocol
import StellarServer
import Testing

@Suite("The chat service")
struct ChatServiceTests {
    private func error(_ service: ChatService, _ request: ChatCompletionRequest) async -> APIError? {
        do throws(APIError) {
            _ = try await service.start(request)
            return nil
        } catch {
            return error
        }
    }

    @Test("An absent, empty or right model name means the loaded model", arguments: [nil, "", "tiny"])
    func modelNames(_ name: String?) async throws {
        let backend = ScriptedBackend(choices: [[endEvent()]])
        let reply = try await scriptedService(backend).start(userRequest { $0.model = name })
        #expect(reply.head.model == "tiny")
        #expect(backend.generations.map(\.model) == ["tiny"])
    }

    @Test("Another model's name is a 404, and nothing starts")
    func unknownModel() async throws {
        let backend = ScriptedBackend(choices: [[endEvent()]])
        let error = try #require(await error(scriptedService(backend), userRequest { $0.model = "gpt" }))
        #expect(error.status == 404)
        #expect(error.code == "model_not_found")
        #expect(error.param == "model")
        #expect(backend.generations.isEmpty)
    }

    @Test("A request that is out of range is refused before the backend sees it, and counted")
    func invalidRequest() async throws {
        let backend = ScriptedBackend(choices: [[endEvent()]])
        let observer = RecordingObserver()
        let error = try #require(await error(scriptedService(backend, observer: observer), userRequest { $0.temperature = 3 }))
        #expect(error.param == "temperature")
        #expect(backend.generations.isEmpty)
        #expect(observer.entries == ["-: rejected invalid_value"])
    }

    @Test("What the backend refuses is thrown before the first chunk")
    func refusedByBackend() async throws {
        let backend = ScriptedBackend { _ throws(APIError) in throw APIError(InferenceError(.queueFull, "Full.")) }
        let error = try #require(await error(scriptedService(backend), userRequest()))
        #expect(error.status == 503)
        #expect(error.code == "queue_full")
        #expect(error.retryAfter == 1)
    }

    @Test("Loading, failed and stopping states refuse requests each in its way")
    func states() async throws {
        let holder = BackendHolder()
        let service = ChatService(holder: holder)
        let loading = try #require(await error(service, userRequest()))
        #expect(loading.status == 503)
        #expect(loading.code == "model_loading")
        #expect((1...5).contains(loading.retryAfter ?? 0))
        #expect(holder.health(version: "1", uptimeSeconds: 2).status == .loading)
        #expect(holder.models.isEmpty)

        holder.set(.failed("No such file."))
        #expect(await error(service, userRequest())?.code == "model_load_failed")
        #expect(holder.health(version: "1", uptimeSeconds: 2).message == "No such file.")

        holder.set(.ready(ScriptedBackend(choices: [[endEvent()]])))
        #expect(await error(service, userRequest()) == nil)
        let health = holder.health(version: "1", uptimeSeconds: 2)
        #expect(health.status == .ok)
        #expect(health.model == "tiny")
        #expect(health.queue == .init(running: 1, waiting: 2, capacity: 3))

        holder.stop()
        holder.set(.loading)
        #expect(await error(service, userRequest())?.code == "server_stopping")
        #expect(holder.health(version: "1", uptimeSeconds: 2).status == .stopping)
        #expect(holder.models.map(\.id) == ["tiny"])
    }

    @Test("The observer is told of the queue, the tokens and the end")
    func observations() async throws {
        let observer = RecordingObserver()
        let backend = ScriptedBackend(choices: [[textEvent("a"), .delta(ChoiceDelta(text: "b", tokenCount: 2)), endEvent()]])
        _ = try await scriptedService(backend, observer: observer).complete(userRequest())
        #expect(observer.entries == ["tiny: queued 1", "tiny: first token", "tiny: tokens 2", "tiny: finished stop"])
    }

    @Test("Cancelling the task that reads a reply ends every choice")
    func cancelledReader() async throws {
        let live = LiveChoices(count: 3)
        let service = scriptedService(ScriptedBackend { _ in live.streams })
        let reply = try await service.start(userRequest { $0.n = 3 })
        let reader = Task { try await reply.collect() }
        live.send(textEvent("a"))
        reader.cancel()
        #expect(await live.cancelled(3) == [0, 1, 2])
        await #expect(throws: CancellationError.self) { try await reader.value }
    }

    @Test("Cancelling a reply ends every choice, and its reader learns it")
    func cancelledReply() async throws {
        let live = LiveChoices(count: 2)
        let reply = try await scriptedService(ScriptedBackend { _ in live.streams }).start(userRequest { $0.n = 2 })
        var iterator = reply.chunks.makeAsyncIterator()
        _ = try await iterator.next()
        reply.cancel()
        #expect(await live.cancelled(2) == [0, 1])
        _ = try await iterator.next()
        await #expect(throws: CancellationError.self) { _ = try await iterator.next() }
    }

    @Test("A reply that nobody reads is ended when it is dropped")
    func droppedReply() async throws {
        let live = LiveChoices(count: 1)
        let observer = RecordingObserver()
        var reply: ChatReply? = try await scriptedService(ScriptedBackend { _ in live.streams }, observer: observer).start(userRequest())
        #expect(reply?.head.id == "chatcmpl-1")
        reply = nil
        #expect(await live.cancelled(1) == [0])
    }

    @Test("An error of one choice ends the others")
    func oneChoiceFails() async throws {
        let live = LiveChoices(count: 2)
        let observer = RecordingObserver()
        let reply = try await scriptedService(ScriptedBackend { _ in live.streams }, observer: observer).start(userRequest { $0.n = 2 })
        live.finish(choice: 1, throwing: InferenceError(.outOfMemory, "No memory."))
        await #expect {
            try await reply.collect()
        } throws: {
            ($0 as? APIError)?.code == "out_of_memory"
        }
        #expect(await live.cancelled(1) == [0])
        #expect(observer.entries == ["tiny: queued 2", "tiny: failed out_of_memory"])
    }
}
