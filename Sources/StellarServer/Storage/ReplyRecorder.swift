internal import StellarInference
package import StellarProtocol
import Synchronization

/// Is fed with a reply's events and keeps the stored message up to date. A recorder that is dropped before its reply has ended marks the
/// message as interrupted.
///
/// Thread contract: any thread.
package final class ReplyRecorder: Sendable {
    package let sessionID: String
    package let userMessageID: String?
    package let messageID: String
    private let buffer: ReplyBuffer
    private let writer: ReplyWriter

    init(sessionID: String, userMessageID: String?, messageID: String, buffer: ReplyBuffer, writer: ReplyWriter) {
        self.sessionID = sessionID
        self.userMessageID = userMessageID
        self.messageID = messageID
        self.buffer = buffer
        self.writer = writer
    }

    deinit {
        if buffer.end(as: .interrupted) {
            Task { [writer, buffer] in await writer.save(buffer) }
        }
    }

    /// Of several choices the first is stored. Costs the appending of a string: it is called for every token.
    package func record(_ event: ChatEvent) {
        guard event.choice == 0 else { return }
        switch event.event {
        case .delta(let delta): buffer.append(delta.text)
        case .finished(let end): buffer.complete(end)
        default: break
        }
    }

    /// What the message will be if the reply now breaks off.
    package func expect(_ state: SessionMessage.State) {
        buffer.expect(state)
    }

    /// The reply is over. When this returns the message is on disk in its last state, unless the database fails, in which case it is tried
    /// again for as long as the server runs.
    ///
    /// - Parameter error: What broke it off, if anything did and it was not the client.
    package func end(error: (any Error)? = nil) async {
        guard buffer.end(as: error == nil || error is CancellationError ? nil : .failed) else { return }
        // Not in the calling task, which may have been cancelled.
        await Task { [writer, buffer] in await writer.save(buffer) }.value
    }
}

/// The text of a reply in memory, ahead of the database.
final class ReplyBuffer: Sendable {
    /// What the row of the message becomes.
    struct Snapshot {
        var text: String
        var state: SessionMessage.State
        var end: ChoiceEnd?
    }

    private struct Content {
        var text: String
        var end: ChoiceEnd?
        var state = SessionMessage.State.streaming
        var fallback = SessionMessage.State.interrupted
        var isDirty = false
    }

    let row: Int64
    private let content: Mutex<Content>

    init(row: Int64, text: String) {
        self.row = row
        content = Mutex(Content(text: text))
    }

    func append(_ text: String) {
        guard !text.isEmpty else { return }
        content.withLock {
            guard $0.state == .streaming else { return }
            $0.text += text
            $0.isDirty = true
        }
    }

    func complete(_ end: ChoiceEnd) {
        content.withLock { $0.end = end }
    }

    func expect(_ state: SessionMessage.State) {
        content.withLock { $0.fallback = state }
    }

    /// - Parameter state: what it ends as if its generation has not ended; `nil`: as was expected.
    /// - Returns: Whether it had not ended before.
    func end(as state: SessionMessage.State?) -> Bool {
        content.withLock {
            guard $0.state == .streaming else { return false }
            $0.state = $0.end != nil ? .complete : state ?? $0.fallback
            $0.isDirty = true
            return true
        }
    }

    /// What has to be written, `nil` if nothing has changed since the last time.
    func takeChanges() -> Snapshot? {
        content.withLock {
            guard $0.isDirty else { return nil }
            $0.isDirty = false
            return Snapshot(text: $0.text, state: $0.state, end: $0.end)
        }
    }

    /// Writing has failed.
    func putBack() {
        content.withLock { $0.isDirty = true }
    }

    var hasEnded: Bool { content.withLock { $0.state != .streaming } }
}
