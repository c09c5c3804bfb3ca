/// What the API can do: every route of the server stands here, and nothing else (a test compares the two).
extension APIOperation {
    static let all = replies + tokens + models + webSocket + sessions + messages + transfer + keys + state

    /// Errors of whatever makes the model work.
    private static let generationErrors = [404, 413, 429, 503, 504]
    private static let storageErrors = [404, 503]
    private static let sessionHeaders = ["x-session-id", "x-user-message-id", "x-message-id"]

    private static let replies = [
        APIOperation(
            method: "POST",
            path: "/chat/completions",
            name: "createChatCompletion",
            group: .generation,
            summary: "Reply to a conversation, whole or streamed",
            text: """
                With `session_id`, in the query or the body, the last user message and the reply are stored in that session, which is made \
                if it does not exist.

                A conversation that does not fit the model's context is refused by 400 `context_length_exceeded`, never cut. \
                Tools, images and formats other than text are refused by 400.
                """,
            parameters: ["session_id", "parent_id", "user_message_id", "message_id"],
            body: "ChatCompletionRequest",
            answers: [.json("ChatCompletion", "The reply.", headers: sessionHeaders).streamed("ChatCompletionChunk")],
            errors: generationErrors + [409]
        ),
        APIOperation(
            method: "POST",
            path: "/completions",
            name: "createCompletion",
            group: .generation,
            summary: "Continue text (the older API)",
            body: "CompletionRequest",
            answers: [.json("Completion", "The continuations.").streamed("Completion")],
            errors: generationErrors
        ),
        APIOperation(
            method: "POST",
            path: "/embeddings",
            name: "createEmbedding",
            group: .generation,
            summary: "Always refused",
            text: "The loaded model writes text: the answer is 400 `unsupported_operation`, so that clients need not guess from a 404.",
            answers: [],
            errors: [429]
        ),
    ]

    private static let tokens = [
        APIOperation(
            method: "POST",
            path: "/tokenize",
            name: "tokenize",
            group: .tokens,
            summary: "Text or a conversation to tokens",
            body: "TokenizeRequest",
            answers: [.json("TokenizeResponse", "The tokens.")],
            errors: [404, 413, 429, 503]
        ),
        APIOperation(
            method: "POST",
            path: "/detokenize",
            name: "detokenize",
            group: .tokens,
            summary: "Tokens to text",
            body: "DetokenizeRequest",
            answers: [.json("DetokenizeResponse", "The text.")],
            errors: [404, 413, 429, 503]
        ),
    ]

    private static let models = [
        APIOperation(
            method: "GET",
            path: "/models",
            name: "listModels",
            group: .models,
            summary: "The models that are loaded",
            answers: [.json("ModelList", "The list; empty while the model is read.")]
        ),
        APIOperation(
            method: "GET",
            path: "/models/{id}",
            name: "getModel",
            group: .models,
            summary: "One model",
            parameters: ["model"],
            answers: [.json("Model", "The model.")],
            errors: [404]
        ),
    ]

    private static let webSocket = [
        APIOperation(
            method: "GET",
            path: "/ws/chat",
            prefixes: ["/api", "/v1"],
            name: "chatOverWebSocket",
            group: .webSocket,
            summary: "Conversation over a WebSocket",
            text: """
                Asks for a WebSocket (RFC 6455, version 13); any other request is answered by 426. Each frame is one JSON object as text.

                The client sends `{"type":"chat.message","content":"…"}`, which adds a user message and asks for the reply, \
                `{"type":"chat.cancel"}`, which ends it, and `{"type":"ping"}`. A `chat.message` may have the fields of chat completions \
                (but `n` is 1), `messages` in place of the conversation so far, `id`, which comes back in every event of the reply, \
                `"progress":true`, and the fields of a session: `session_id`, `parent_id`, `user_message_id`, `message_id`.

                The server sends `{"event":"session_start","data":{"session_id":"…"}}` once, then for every reply `content_block_start`, \
                `content_block_delta` (`{"index":0,"delta":{"type":"text_delta","text":"…"}}`) as often as there is text, \
                `content_block_stop`, `message_delta` with the reason of the end and the token counts, and `message_stop`. \
                `{"event":"error","data":{"type":"…","message":"…"}}` ends a reply, not the connection.

                Browsers give a key as `?api_key=…`. Frames against the protocol close the connection: 1002, 1003 (binary), 1007 (not \
                UTF-8), 1009 (larger than 8 MiB). When the server stops, it closes by 1001.
                """,
            parameters: ["websocket_session_id", "api_key"],
            answers: [.init(status: 101, text: "The connection is a WebSocket now.", contents: [])],
            errors: [426]
        )
    ]

    private static let sessions = [
        APIOperation(
            method: "GET",
            path: "/sessions",
            prefixes: ["/api"],
            name: "listSessions",
            group: .sessions,
            summary: "Stored conversations, those that were changed last first",
            parameters: ["limit", "after", "search"],
            answers: [.json("SessionList", "A page.")],
            errors: storageErrors
        ),
        APIOperation(
            method: "POST",
            path: "/sessions",
            prefixes: ["/api"],
            name: "createSession",
            group: .sessions,
            summary: "Make a session",
            body: "NewSession",
            answers: [.json("Session", "The session.", status: 201)],
            errors: [404, 409, 413, 503]
        ),
        APIOperation(
            method: "GET",
            path: "/sessions/{id}",
            prefixes: ["/api"],
            name: "getSession",
            group: .sessions,
            summary: "One session",
            parameters: ["session"],
            answers: [.json("Session", "The session.")],
            errors: storageErrors
        ),
        APIOperation(
            method: "PATCH",
            path: "/sessions/{id}",
            prefixes: ["/api"],
            name: "changeSession",
            group: .sessions,
            summary: "Change its title, model, system prompt, settings, or which branch is shown",
            parameters: ["session"],
            body: "SessionChange",
            answers: [.json("Session", "The session as it is now.")],
            errors: [404, 413, 503]
        ),
        APIOperation(
            method: "DELETE",
            path: "/sessions/{id}",
            prefixes: ["/api"],
            name: "deleteSession",
            group: .sessions,
            summary: "Delete a session and its messages",
            parameters: ["session"],
            answers: [.json("Deleted", "It is gone.")],
            errors: storageErrors
        ),
    ]

    private static let messages = [
        APIOperation(
            method: "GET",
            path: "/sessions/{id}/messages",
            prefixes: ["/api"],
            name: "listMessages",
            group: .sessions,
            summary: "All messages of a session in the order in which they were made",
            parameters: ["session", "message_limit", "after"],
            answers: [.json("MessageList", "A page.")],
            errors: storageErrors
        ),
        APIOperation(
            method: "POST",
            path: "/sessions/{id}/messages",
            prefixes: ["/api"],
            name: "addMessage",
            group: .sessions,
            summary: "Add a message without asking for a reply",
            parameters: ["session"],
            body: "NewMessage",
            answers: [.json("Message", "The message.", status: 201)],
            errors: [404, 409, 413, 503]
        ),
        APIOperation(
            method: "PATCH",
            path: "/sessions/{id}/messages/{message}",
            prefixes: ["/api"],
            name: "changeMessage",
            group: .sessions,
            summary: "Change the text of a message",
            parameters: ["session", "message"],
            body: "MessageChange",
            answers: [.json("Message", "The message as it is now.")],
            errors: [404, 409, 413, 503]
        ),
        APIOperation(
            method: "DELETE",
            path: "/sessions/{id}/messages/{message}",
            prefixes: ["/api"],
            name: "deleteMessage",
            group: .sessions,
            summary: "Delete a message and all that follows it",
            parameters: ["session", "message"],
            answers: [.json("Deleted", "They are gone.")],
            errors: [404, 409, 503]
        ),
        APIOperation(
            method: "GET",
            path: "/sessions/{id}/history",
            prefixes: ["/api"],
            name: "getHistory",
            group: .sessions,
            summary: "The branch that is shown, from its first message to the current one",
            parameters: ["session"],
            answers: [.json("MessageList", "The messages.")],
            errors: storageErrors
        ),
    ]

    private static let transfer = [
        APIOperation(
            method: "GET",
            path: "/sessions/{id}/export",
            prefixes: ["/api"],
            name: "exportSession",
            group: .sessions,
            summary: "A session as a document",
            parameters: ["session"],
            answers: [.json("SessionExport", "The document.", headers: ["content-disposition"])],
            errors: storageErrors
        ),
        APIOperation(
            method: "GET",
            path: "/sessions/export",
            prefixes: ["/api"],
            name: "exportSessions",
            group: .sessions,
            summary: "All sessions as one document",
            answers: [.json("SessionExport", "The document.", headers: ["content-disposition"])],
            errors: [503]
        ),
        APIOperation(
            method: "POST",
            path: "/sessions/import",
            prefixes: ["/api"],
            name: "importSessions",
            group: .sessions,
            summary: "Read an exported document, up to 64 MiB",
            text: "A session whose id is taken gets a new one. A document that is wrong anywhere is refused whole.",
            body: "SessionExport",
            answers: [.json("SessionList", "The sessions that were made.", status: 201)],
            errors: [409, 413, 503]
        ),
    ]

    private static let keys = [
        APIOperation(
            method: "GET",
            path: "/api-keys",
            prefixes: ["/api"],
            name: "listKeys",
            group: .keys,
            access: .admin,
            summary: "Keys that were made at run time, without the keys themselves",
            answers: [.json("KeyList", "The list.")],
            errors: [503]
        ),
        APIOperation(
            method: "POST",
            path: "/api-keys",
            prefixes: ["/api"],
            name: "createKey",
            group: .keys,
            access: .admin,
            summary: "Make a key",
            body: "NewKey",
            answers: [.json("Key", "The key: it is shown here and never again.", status: 201)],
            errors: [413, 503]
        ),
        keyAction("DELETE", "", name: "deleteKey", "Delete a key", answer: "Deleted"),
        keyAction("POST", "/activate", name: "activateKey", "Let a key be used again", answer: "Key"),
        keyAction("POST", "/deactivate", name: "deactivateKey", "Refuse a key until further notice", answer: "Key"),
    ]

    private static func keyAction(_ method: String, _ path: String, name: String, _ summary: String, answer: String) -> APIOperation {
        APIOperation(
            method: method,
            path: "/api-keys/{id}" + path,
            prefixes: ["/api"],
            name: name,
            group: .keys,
            access: .admin,
            summary: summary,
            parameters: ["key"],
            answers: [.json(answer, "It is done.")],
            errors: [404, 503]
        )
    }

    private static let state = [
        APIOperation(
            method: "GET",
            path: "/health",
            prefixes: ["/api", "/v1"],
            name: "getHealth",
            group: .state,
            access: .everyone,
            summary: "State of the daemon",
            text: "Who has no key where keys are asked for sees `status` alone.",
            answers: [
                .json("Health", "Requests are taken."),
                .json("Health", "Requests are not taken: the model is read, can't be read, or the server stops.", status: 503),
            ]
        ),
        APIOperation(
            method: "GET",
            path: "/ready",
            prefixes: ["/api", "/v1"],
            name: "getReadiness",
            group: .state,
            access: .everyone,
            summary: "Whether new requests are taken, for load balancers",
            answers: [.json("Readiness", "They are."), .json("Readiness", "They are not.", status: 503)]
        ),
        APIOperation(
            method: "GET",
            path: "/metrics",
            prefixes: [""],
            name: "getMetrics",
            group: .state,
            summary: "Figures in the Prometheus text format",
            answers: [.text("text/plain", "The figures.")]
        ),
        page("/openapi.json", prefixes: ["/api", "/v1"], "getDescription", "This description", .json("Description", "OpenAPI 3.1.")),
        page("/docs", prefixes: ["/api", "/v1"], "getDocuments", "This description to read", .text("text/html", "A page.")),
        page("/docs.css", prefixes: ["/api", "/v1"], "getDocumentsStyle", "How that page looks", .text("text/css", "A style sheet.")),
        page("/", prefixes: [""], "getPage", "The web chat", .text("text/html", "A page.")),
    ]

    private static func page(_ path: String, prefixes: [String], _ name: String, _ summary: String, _ answer: Answer) -> APIOperation {
        APIOperation(
            method: "GET",
            path: path,
            prefixes: prefixes,
            name: name,
            group: .state,
            access: .everyone,
            summary: summary,
            answers: [answer]
        )
    }
}
