import Foundation
import Synchronization

/// What Ctrl-C does: stops the reply that is being written; without one, the second in a row ends the program.
final class InterruptHandler: Sendable {
    private struct State {
        var action: (@Sendable () -> Void)?
        var count = 0
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "stellarchat.interrupt")
    /// Only configured by ``start()`` and kept alive; dispatch objects may be used from any thread.
    nonisolated(unsafe) private let source: any DispatchSourceSignal

    init() {
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: queue)
    }

    /// Takes the signal over from the system. Call once.
    func start() {
        signal(SIGINT, SIG_IGN)
        source.setEventHandler { [weak self] in self?.interrupt() }
        source.activate()
    }

    /// Sets what the next Ctrl-C does; `nil`: nothing is running.
    func onInterrupt(_ action: (@Sendable () -> Void)?) {
        state.withLock { state in
            state.action = action
            state.count = 0
        }
    }

    /// The user has written something: an earlier Ctrl-C counts no more.
    func forget() {
        state.withLock { $0.count = 0 }
    }

    private func interrupt() {
        let (action, count) = state.withLock { state in
            state.count += 1
            return (state.action, state.count)
        }
        if let action { return action() }
        if count >= 2 {
            Terminal.writeLine("")
            exit(0)
        }
        Terminal.write("\n(Ctrl-C again, or Ctrl-D, ends the program)\n> ")
    }
}
