/// Who sends a request, as far as the server knows.
package struct Caller: Sendable, Equatable {
    /// What stands for the key that the request came with; `nil` without one.
    package var keyID: String?
    /// Whether the key may manage keys.
    package var isAdmin = false
    /// The client's address, as text without a port.
    package var address: String?
    /// Whether everything that is not public may be used: with a key that is valid, or because no key is asked for.
    package var isTrusted = true

    package init(keyID: String? = nil, isAdmin: Bool = false, address: String? = nil, isTrusted: Bool = true) {
        self.keyID = keyID
        self.isAdmin = isAdmin
        self.address = address
        self.isTrusted = isTrusted
    }

    /// Whose sessions the caller sees: those of the key, and without keys those that were made without one.
    package var owner: String { keyID ?? "" }
}
