import StellarProtocol

extension SessionStore {
    /// Writes a `stellarchat.sessions` document piece by piece. A session that is deleted meanwhile is left out.
    ///
    /// - Parameter write: takes the next bytes of the document.
    public func writeExport(of ids: [String], owner: String, write: ([UInt8]) async throws -> Void) async throws {
        try await write(Array(#"{"format":"\#(SessionExport.several)","version":\#(SessionExport.currentVersion),"sessions":["#.utf8))
        var isFirst = true
        for id in ids {
            guard let transcript = try await existing(id, owner) else { continue }
            try await write((isFirst ? [] : [UInt8(ascii: ",")]) + (try JSONCoding.encode(transcript)))
            isFirst = false
        }
        try await write(Array("]}\n".utf8))
    }

    private func existing(_ id: String, _ owner: String) async throws -> SessionTranscript? {
        do {
            return try await transcript(of: id, owner: owner)
        } catch let error as APIError where error.status == 404 {
            return nil
        }
    }
}
