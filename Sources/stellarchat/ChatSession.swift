import Foundation
import StellarInference

/// A conversation: reads messages and commands, shows replies as they come.
struct ChatSession {
    private let engine: InferenceEngine
    private let template: ChatTemplate
    private let request: GenerationRequest
    private let interrupts = InterruptHandler()
    private var system: String?
    private var messages: [TemplateValue] = []

    private static let help = """
        /new           begin a new conversation
        /system TEXT   begin a new conversation with this system message; without TEXT, without one
        /help          this list
        /quit          end the program (as does Ctrl-D)
        Ctrl-C stops a reply.
        """

    private enum Command {
        case message(String)
        case newConversation
        case system(String?)
        case help
        case quit
        case unknown(String)

        init(_ line: String) {
            guard line.hasPrefix("/") else {
                self = .message(line)
                return
            }
            let parts = line.split(separator: " ", maxSplits: 1)
            switch parts[0] {
            case "/new": self = .newConversation
            case "/system": self = .system(parts.count > 1 ? String(parts[1]) : nil)
            case "/help": self = .help
            case "/quit", "/exit": self = .quit
            default: self = .unknown(String(parts[0]))
            }
        }
    }

    init(engine: InferenceEngine, template: ChatTemplate, request: GenerationRequest, system: String?) {
        self.engine = engine
        self.template = template
        self.request = request
        self.system = system
    }

    /// Runs until the input ends or the user quits.
    ///
    /// - Throws: ``InferenceError`` if a reply fails and the input is no terminal; in a terminal the error is shown and the conversation
    ///   goes on.
    mutating func run() async throws {
        interrupts.start()
        if Terminal.inputIsTerminal { Terminal.writeDim("\(engine.model.name): \(engine.model.summary). /help lists commands.") }
        while true {
            if Terminal.inputIsTerminal { Terminal.write("> ") }
            guard let line = await Terminal.readInput() else { break }
            interrupts.forget()
            if line.allSatisfy(\.isWhitespace) { continue }
            guard try await perform(Command(line)) else { return }
        }
        if Terminal.inputIsTerminal { Terminal.writeLine("") }
    }

    /// Returns whether the conversation goes on.
    private mutating func perform(_ command: Command) async throws -> Bool {
        switch command {
        case .message(let text): try await answer(text)
        case .newConversation: messages = []
        case .system(let text):
            system = text
            messages = []
        case .help: Terminal.writeLine(Self.help)
        case .unknown(let name): Terminal.writeError("There is no command \(name); /help lists them.")
        case .quit: return false
        }
        return true
    }

    private mutating func answer(_ text: String) async throws {
        messages.append(.message(role: "user", content: text))
        do {
            let reply = try await reply()
            messages.append(.message(role: "assistant", content: reply))
        } catch {
            messages.removeLast()
            guard Terminal.inputIsTerminal else { throw error }
            let hint = (error as? InferenceError)?.code == .contextLengthExceeded ? " /new begins a new conversation." : ""
            Terminal.writeError("\(error)\(hint)")
        }
    }

    /// Shows the reply to the conversation as it comes, and returns it; an interrupted one as far as it went.
    private func reply() async throws -> String {
        let conversation = (system.map { [TemplateValue.message(role: "system", content: $0)] } ?? []) + messages
        var request = request
        request.promptTokens = engine.model.tokenizer.encode(try template.render(messages: conversation))
        let stream = try engine.generate(request)
        let printer = ReplyPrinter()
        let task = Task { try await printer.show(stream) }
        interrupts.onInterrupt { task.cancel() }
        defer { interrupts.onInterrupt(nil) }
        try await task.value
        return await printer.finish()
    }
}

/// Writes a reply while it comes, and how fast it came.
private actor ReplyPrinter {
    private var text = ""
    private var summary: GenerationSummary?

    func show(_ stream: GenerationStream) async throws {
        for try await event in stream {
            switch event {
            case .queued, .started, .prefill, .promptLogprobs: break
            case .delta(let delta):
                text += delta.text
                if !delta.text.isEmpty { Terminal.write(delta.text) }
            case .finished(let summary): self.summary = summary
            }
        }
    }

    /// Ends the line and returns the whole text.
    func finish() -> String {
        Terminal.writeLine("")
        if Terminal.outputIsTerminal { Terminal.writeDim(remark) }
        return text
    }

    private var remark: String {
        guard let summary else { return "stopped" }
        let usage = summary.usage
        let seconds = summary.timings.decode.seconds
        let rate = seconds > 0 ? Double(usage.completionTokens - 1) / seconds : 0
        return "\(usage.completionTokens) tokens, \(rate.formatted(decimals: 1)) tokens/s, first after "
            + "\((summary.timings.timeToFirstToken.seconds * 1000).formatted(decimals: 0)) ms"
    }
}
