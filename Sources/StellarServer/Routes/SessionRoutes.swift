import HTTPTypes
import Hummingbird
import NIOCore
import StellarProtocol

/// `/api/sessions`: stored conversations.
struct SessionRoutes: Sendable {
    /// Bytes of an import.
    private static let maxImportSize = 64 << 20

    /// `nil` where sessions are not stored.
    let store: SessionStore?
    let maxBodySize: Int

    var routes: [Route] {
        [
            Route("/api/sessions", [.get: list, .post: create]),
            Route("/api/sessions/export", [.get: exportAll]),
            Route("/api/sessions/import", [.post: importSessions]),
            Route("/api/sessions/{id}", [.get: get, .patch: update, .delete: delete]),
            Route("/api/sessions/{id}/messages", [.get: listMessages, .post: addMessage]),
            Route("/api/sessions/{id}/messages/{message}", [.patch: changeMessage, .delete: deleteMessage]),
            Route("/api/sessions/{id}/history", [.get: history]),
            Route("/api/sessions/{id}/export", [.get: export]),
        ]
    }

    private var sessions: SessionStore {
        get throws(APIError) {
            guard let store else { throw .sessionsAreOff }
            return store
        }
    }

    // MARK: Sessions

    @Sendable private func list(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let query = request.query
        let page = try await sessions.sessions(
            owner: context.caller.owner,
            limit: try query.integer("limit", in: 1...200, default: 50),
            after: query["after"],
            search: query["search"]
        )
        return try .json(page)
    }

    @Sendable private func create(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let store = try sessions
        let change = try await request.decode(SessionChange.self, limit: maxBodySize)
        return try .json(try await store.create(change, owner: context.caller.owner), status: .created)
    }

    @Sendable private func get(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        try .json(try await sessions.session(try context.path("id"), owner: context.caller.owner))
    }

    @Sendable private func update(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let store = try sessions
        let change = try await request.decode(SessionChange.self, limit: maxBodySize)
        return try .json(try await store.update(try context.path("id"), change, owner: context.caller.owner))
    }

    @Sendable private func delete(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let id = try context.path("id")
        try await sessions.delete(id, owner: context.caller.owner)
        return try .json(DeletedObject(id: id, object: "session.deleted"))
    }

    // MARK: Messages

    @Sendable private func listMessages(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let query = request.query
        let page = try await sessions.messages(
            of: try context.path("id"),
            owner: context.caller.owner,
            limit: try query.integer("limit", in: 1...1000, default: 1000),
            after: query["after"]
        )
        return try .json(page)
    }

    @Sendable private func addMessage(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let store = try sessions
        let message = try await request.decode(NewSessionMessage.self, limit: maxBodySize)
        let added = try await store.addMessage(message, to: try context.path("id"), owner: context.caller.owner)
        return try .json(added, status: .created)
    }

    @Sendable private func changeMessage(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let store = try sessions
        let change = try await request.decode(SessionMessageChange.self, limit: maxBodySize)
        let changed = try await store.changeMessage(
            try context.path("message"),
            of: try context.path("id"),
            content: change.content,
            owner: context.caller.owner
        )
        return try .json(changed)
    }

    @Sendable private func deleteMessage(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let message = try context.path("message")
        try await sessions.deleteMessage(message, of: try context.path("id"), owner: context.caller.owner)
        return try .json(DeletedObject(id: message, object: "session.message.deleted"))
    }

    @Sendable private func history(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let branch = try await sessions.history(of: try context.path("id"), owner: context.caller.owner)
        return try .json(ListPage(data: branch))
    }

    // MARK: Export and import

    @Sendable private func export(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let transcript = try await sessions.transcript(of: try context.path("id"), owner: context.caller.owner)
        return try .json(
            SessionExport(transcripts: [transcript]),
            headers: [.contentDisposition: "attachment; filename=\"\(transcript.session.id).json\""]
        )
    }

    /// Read and written session by session: all of them together may be large.
    @Sendable private func exportAll(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let store = try sessions
        let owner = context.caller.owner
        let ids = try await store.ids(owner: owner)
        let body = ResponseBody { writer in
            try await store.writeExport(of: ids, owner: owner) { try await writer.write(ByteBuffer(bytes: $0)) }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "application/json", .contentDisposition: "attachment; filename=\"stellarchat-sessions.json\""],
            body: body
        )
    }

    @Sendable private func importSessions(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let store = try sessions
        let document = try await request.decode(SessionExport.self, limit: Self.maxImportSize)
        return try .json(ListPage(data: try await store.import(document, owner: context.caller.owner)), status: .created)
    }
}

extension APIError {
    static var sessionsAreOff: APIError {
        .unavailable("This server stores no sessions (SESSIONS=off).", code: "sessions_off", retryAfter: nil)
    }
}
