import GRDB
package import StellarProtocol

/// Where an exchange (a user's message and its reply) belongs, as a client says it. Everything but the session may be left out.
package struct ExchangePlace: Sendable, Equatable {
    package var sessionID: String
    /// What the user's message follows.
    package var parentID: FieldChange<String>
    package var userMessageID: String?
    package var messageID: String?

    package init(
        sessionID: String,
        parentID: FieldChange<String> = .unchanged,
        userMessageID: String? = nil,
        messageID: String? = nil
    ) {
        self.sessionID = sessionID
        self.parentID = parentID
        self.userMessageID = userMessageID
        self.messageID = messageID
    }

    /// - Throws: 400 for an id that is none.
    func check() throws(APIError) {
        _ = try SessionStore.checked(sessionID, "session_id")
        _ = try SessionStore.checked(userMessageID, "user_message_id")
        _ = try SessionStore.checked(messageID, "message_id")
        guard userMessageID == nil || userMessageID != messageID else {
            throw .invalidRequest("'user_message_id' and 'message_id' must differ.", param: "message_id", code: "invalid_value")
        }
    }
}

/// An exchange that is about to begin, or has.
package struct StoredExchange: Sendable {
    let store: SessionStore
    let owner: String
    let place: ExchangePlace

    package init(store: SessionStore, owner: String, place: ExchangePlace) throws(APIError) {
        try place.check()
        self.store = store
        self.owner = owner
        self.place = place
    }

    /// Checks that the exchange fits its session, before anything is generated.
    ///
    /// - Returns: The conversation to reply to: the request's own, or, where that is empty, the session's history and then `content`.
    package func conversation(_ messages: [ChatMessage], content: ChatContent?) async throws -> [ChatMessage] {
        try await store.database.read { database in
            guard let session = try SessionStore.rowID(of: place.sessionID, owner, in: database) else {
                try refuseUnknownParent()
                return try Self.appending(content, to: messages)
            }
            let spot = try Spot(place, session, continues: messages.last?.role == "assistant" || content == nil, in: database)
            guard messages.isEmpty else { return try Self.appending(content, to: messages) }
            if spot.reply == nil, spot.user == nil, content == nil { throw APIError.messageNotFound("user_message_id") }
            let end = content == nil ? spot.reply ?? spot.user : spot.user ?? spot.parent
            let history = try SessionStore.path(to: end, in: database)
            let conversation = Self.conversation(history, prompt: try SessionStore.session(session, in: database).systemPrompt)
            return spot.user == nil ? try Self.appending(content, to: conversation) : conversation
        }
    }

    /// A session that does not exist yet has no messages to follow.
    private func refuseUnknownParent() throws(APIError) {
        if case .set(.some) = place.parentID { throw .messageNotFound("parent_id") }
    }

    private static func appending(_ content: ChatContent?, to messages: [ChatMessage]) throws(APIError) -> [ChatMessage] {
        guard let content else {
            guard !messages.isEmpty else { throw .messageNotFound("user_message_id") }
            return messages
        }
        return messages + [ChatMessage(role: "user", content: content)]
    }

    private static func conversation(_ history: [SessionMessage], prompt: String?) -> [ChatMessage] {
        let spoken = history.filter { !$0.content.isEmpty }.map { ChatMessage(role: $0.role.rawValue, content: .text($0.content)) }
        guard let prompt, !prompt.isEmpty, spoken.first?.role != "system" else { return spoken }
        return [ChatMessage(role: "system", content: .text(prompt))] + spoken
    }

    /// Stores the user's message, if it is new, and the beginning of the reply. Both are on disk when this returns.
    ///
    /// - Parameters:
    ///   - messages: the conversation that is replied to.
    ///   - model: the model that replies.
    package func begin(_ messages: [ChatMessage], model: String) async throws -> ReplyRecorder {
        let time = store.now()
        let begun = try await store.database.write { database in
            let session = try self.session(messages, model, time, in: database)
            let continues = messages.last?.role == "assistant"
            var spot = try Spot(place, session, continues: continues, in: database)
            if spot.user == nil, spot.reply == nil, let user = messages.last(where: { $0.role == "user" }) {
                spot.user = try insertUser(user.text, session, spot.parent, time, in: database)
            }
            let text = continues ? SessionStore.stored(messages.last?.text ?? "") : ""
            let reply = try reply(spot, session, text, model, time, in: database)
            try SessionStore.setCurrent(reply, of: session, in: database)
            try SessionStore.touch(session, time, in: database)
            return Begun(
                row: reply,
                text: text,
                message: try SessionStore.message(reply, in: database).id,
                user: try spot.user.map { try SessionStore.message($0, in: database).id }
            )
        }
        let buffer = ReplyBuffer(row: begun.row, text: begun.text)
        await store.writer.add(buffer)
        return ReplyRecorder(
            sessionID: place.sessionID,
            userMessageID: begun.user,
            messageID: begun.message,
            buffer: buffer,
            writer: store.writer
        )
    }

    private struct Begun: Sendable {
        var row: Int64
        var text: String
        var message: String
        var user: String?
    }

    /// The session's row; a session that is not there is made, with the request's system prompt.
    private func session(_ messages: [ChatMessage], _ model: String, _ time: Int, in database: Database) throws -> Int64 {
        if let row = try SessionStore.rowID(of: place.sessionID, owner, in: database) { return row }
        try refuseUnknownParent()
        let row = try SessionStore.insertSession(place.sessionID, owner, time, in: database)
        var change = SessionChange()
        change.model = .set(model)
        if let first = messages.first, first.role == "system" || first.role == "developer" { change.systemPrompt = .set(first.text) }
        try SessionStore.apply(change, to: row, in: database)
        return row
    }

    private func insertUser(_ text: String, _ session: Int64, _ parent: Int64?, _ time: Int, in database: Database) throws -> Int64 {
        let message = SessionMessage(
            id: place.userMessageID ?? SessionStore.makeID("msg"),
            sessionID: place.sessionID,
            role: .user,
            content: text,
            createdAt: time,
            updatedAt: time
        )
        try database.execute(
            sql: "UPDATE session SET title = ? WHERE row = ? AND title = ''",
            arguments: [Self.title(of: SessionStore.stored(text)), session]
        )
        return try SessionStore.insert(message, session, parent: parent, in: database)
    }

    /// The first words of a message.
    static func title(of text: String) -> String {
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.count > 60 ? words.prefix(59) + "…" : words
    }

    private func reply(
        _ spot: Spot,
        _ session: Int64,
        _ text: String,
        _ model: String,
        _ time: Int,
        in database: Database
    ) throws -> Int64 {
        if let reply = spot.reply {
            try database.execute(
                sql: """
                    UPDATE message SET state = 'streaming', content = ?, model = ?, finish_reason = NULL, usage = NULL, timings = NULL
                    WHERE row = ?
                    """,
                arguments: [text, SessionStore.stored(model), reply]
            )
            return reply
        }
        var message = SessionMessage(
            id: place.messageID ?? SessionStore.makeID("msg"),
            sessionID: place.sessionID,
            role: .assistant,
            content: text,
            createdAt: time,
            updatedAt: time,
            state: .streaming
        )
        message.model = model
        return try SessionStore.insert(message, session, parent: spot.user ?? spot.parent, in: database)
    }

    /// The rows that an exchange names.
    private struct Spot {
        /// What the user's message follows.
        var parent: Int64?
        /// The user's message, if it is there already.
        var user: Int64?
        /// The reply, if it is there already and is continued.
        var reply: Int64?

        init(_ place: ExchangePlace, _ session: Int64, continues: Bool, in database: Database) throws {
            parent = try SessionStore.parent(place.parentID, session, in: database)
            user = try place.userMessageID.flatMap { try SessionStore.messageRow($0, session, in: database) }
            reply = try place.messageID.flatMap { try SessionStore.messageRow($0, session, in: database) }
            if let user, try SessionStore.message(user, in: database).role != .user {
                throw APIError.invalidRequest(
                    "'user_message_id' names a message that is not a user's.",
                    param: "user_message_id",
                    code: "invalid_value"
                )
            }
            guard let reply else { return }
            let message = try SessionStore.message(reply, in: database)
            guard continues, message.role == .assistant, message.state != .streaming else { throw APIError.idTaken("message_id") }
        }
    }
}
