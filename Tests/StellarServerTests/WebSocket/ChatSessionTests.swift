import StellarProtocol
import StellarServer
import Testing

@Suite("WebSocket conversation")
struct ChatSessionTests {
    private func message(_ text: String, id: String? = nil) -> String {
        #"{"type":"chat.message","content":"\#(text)"\#(id.map { #","id":"\#($0)""# } ?? "")}"#
    }

    private func errorCode(_ actions: [ChatSession.Action]) -> String? {
        guard actions.count == 1, case .send(let event) = actions[0], case .error(let error) = event.payload else { return nil }
        return error.code ?? error.type
    }

    private func request(_ actions: [ChatSession.Action]) -> ChatCompletionRequest? {
        guard actions.count == 1, case .reply(let turn) = actions[0] else { return nil }
        return turn.request
    }

    @Test("Replies become part of the conversation")
    func conversation() throws {
        var session = ChatSession(id: "s")
        #expect(session.start() == [.send(WebSocketServerEvent(.sessionStart(sessionID: "s")))])
        let first = try #require(request(session.receive(message("one"))))
        #expect(first.messages == [ChatMessage(role: "user", content: .text("one"))])
        #expect(session.replyEnded(.text("uno")) == [])
        let second = try #require(request(session.receive(message("two"))))
        #expect(second.messages.map(\.role) == ["user", "assistant", "user"])
    }

    @Test("A failed reply leaves no trace in the conversation")
    func failure() {
        var session = ChatSession(id: "s")
        _ = session.receive(message("one"))
        _ = session.replyEnded(.failed)
        #expect(session.conversation.isEmpty)
    }

    @Test("messages replaces the conversation, content follows it")
    func replacing() throws {
        var session = ChatSession(id: "s")
        _ = session.receive(message("old"))
        _ = session.replyEnded(.text("old reply"))
        let json = #"{"type":"chat.message","messages":[{"role":"system","content":"Be brief."}],"content":"new","temperature":0}"#
        let replaced = try #require(request(session.receive(json)))
        #expect(replaced.messages.map(\.role) == ["system", "user"])
        #expect(replaced.temperature == 0)
    }

    @Test("A message while a reply runs is an error with its id; the reply goes on")
    func busy() {
        var session = ChatSession(id: "s")
        _ = session.receive(message("one"))
        let actions = session.receive(message("two", id: "b"))
        #expect(errorCode(actions) == "reply_in_progress")
        guard case .send(let event) = actions[0] else { return }
        #expect(event.id == "b")
        #expect(session.receive(#"{"type":"chat.cancel"}"#) == [.cancelReply])
        #expect(session.replyEnded(.text("part")) == [])
        #expect(session.conversation.count == 2)
    }

    @Test("Cancelling without a reply does nothing; ping is answered any time")
    func idle() {
        var session = ChatSession(id: "s")
        #expect(session.receive(#"{"type":"chat.cancel"}"#) == [])
        #expect(session.receive(#"{"type":"ping"}"#) == [.send(WebSocketServerEvent(.pong))])
    }

    @Test(
        "What is no message of the protocol is an error event",
        arguments: [
            "", "hello", "[]", "{}", #"{"type":7}"#, #"{"type":"x"}"#, #"{"type":"chat.message"}"#, #"{"type":"chat.message","content":7}"#,
        ]
    )
    func malformed(text: String) {
        var session = ChatSession(id: "s")
        #expect(errorCode(session.receive(text)) != nil)
        #expect(request(session.receive(message("still usable"))) != nil)
    }

    @Test("Several replies at once are refused")
    func several() {
        var session = ChatSession(id: "s")
        #expect(errorCode(session.receive(#"{"type":"chat.message","content":"x","n":2}"#)) == "unsupported_parameter")
    }

    @Test("Shutting down waits for the reply and begins no other")
    func shutdown() {
        var idle = ChatSession(id: "s")
        #expect(idle.shutDown() == [.close])
        var busy = ChatSession(id: "s")
        _ = busy.receive(message("one"))
        #expect(busy.shutDown() == [])
        #expect(busy.replyEnded(.text("x")) == [.close])
        #expect(errorCode(busy.receive(message("two"))) == "shutting_down")
    }
}
