import Logging
import StellarProtocol
import Synchronization

/// Logs prompts and replies, where the operator has asked for that by `LOG_PROMPTS=1`. Never made otherwise.
final class ReplyTranscript: Sendable {
    private let logger: Logger
    private let texts = Mutex<[Int: String]>([:])

    /// Logs the prompt.
    init(_ request: some Encodable, logger: Logger) {
        self.logger = logger
        let text = (try? JSONCoding.encode(request)).map { String(decoding: $0, as: UTF8.self) }
        logger.info("Prompt", metadata: ["prompt": "\(text ?? "")"])
    }

    /// Keeps the text of a choice, and logs it at its end.
    func add(_ event: ChatEvent) {
        switch event.event {
        case .delta(let delta): texts.withLock { $0[event.choice, default: ""] += delta.text }
        case .finished:
            let text = texts.withLock { $0.removeValue(forKey: event.choice) }
            logger.info("Reply", metadata: ["choice": "\(event.choice)", "reply": "\(text ?? "")"])
        case .queued, .prefill, .started: break
        }
    }

    func log(_ replies: [String]) {
        for (choice, text) in replies.enumerated() { logger.info("Reply", metadata: ["choice": "\(choice)", "reply": "\(text)"]) }
    }
}
