internal import StellarProtocol

/// Tells an observer how a reply fares.
struct ReplyWatch: Sendable {
    let observer: (any ChatObserver)?
    let model: String
    /// When the request came.
    let arrival: ContinuousClock.Instant

    /// - Parameter lastToken: when the choice's last token came.
    func observe(_ event: ChoiceEvent, _ lastToken: inout ContinuousClock.Instant?) {
        guard observer != nil else { return }
        switch event {
        case .queued, .prefill, .started: break
        case .delta(let delta):
            guard delta.tokenCount > 0 else { return }
            let now = ContinuousClock.now
            observe(lastToken.map { .tokens(count: delta.tokenCount, now - $0) } ?? .firstToken(now - arrival))
            lastToken = now
        case .finished(let end): observe(.finished(end, .now - arrival))
        }
    }

    /// The reply broke off. Returns what its reader gets to know.
    func failed(_ error: any Error) -> any Error {
        let error = APIError(anyError: error)
        observe(.failed(error))
        return error
    }

    func cancelled() {
        observe(.cancelled)
    }

    private func observe(_ observation: ChatObservation) {
        observer?.observe(observation, model: model)
    }

    /// What a stream that ends without an end is.
    static let brokenOff = APIError.internalError("The reply broke off.")
}
