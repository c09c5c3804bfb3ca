package import NIOCore
package import NIOWebSocket

/// Turns a client's frames into messages by the rules of RFC 6455 that NIO's decoder leaves to its user: masking (5.1), reserved bits
/// and opcodes (5.2), fragmentation (5.4), control frames (5.5), close codes (7.4) and UTF-8 (8.1).
///
/// A pure state machine. After ``Event/violation(_:_:)`` and ``Event/close(_:)`` it takes no more frames.
package struct WebSocketMessageReader {
    package enum Event: Equatable {
        /// A whole text message.
        case text(String)
        /// A whole binary message, where those are taken.
        case binary(ByteBuffer)
        /// To be answered by a pong with the same bytes.
        case ping(ByteBuffer)
        /// The client closes; the code is to be echoed.
        case close(WebSocketErrorCode)
        /// The client broke the protocol: close with this code and reason.
        case violation(WebSocketErrorCode, String)
    }

    private let maxMessageSize: Int
    private let takesBinary: Bool
    private var fragments: ByteBuffer?
    private var isBinary = false
    private var isFinished = false

    /// - Parameters:
    ///   - maxMessageSize: Most bytes of one message, over all its fragments.
    ///   - takesBinary: Whether binary messages are taken; if not, they break the protocol.
    package init(maxMessageSize: Int, takesBinary: Bool = false) {
        self.maxMessageSize = maxMessageSize
        self.takesBinary = takesBinary
    }

    /// - Returns: What the frame completes or demands; `nil` if nothing.
    package mutating func receive(_ frame: WebSocketFrame) -> Event? {
        guard !isFinished else { return nil }
        let event = validate(frame) ?? handle(frame)
        switch event {
        case .close, .violation: isFinished = true
        case .text, .binary, .ping, nil: break
        }
        return event
    }

    private func validate(_ frame: WebSocketFrame) -> Event? {
        guard frame.maskKey != nil else { return .violation(.protocolError, "Frames of a client must be masked.") }
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            return .violation(.protocolError, "Reserved bits are set, but no extension was agreed.")
        }
        if frame.opcode.isControlOpcode, !frame.fin || frame.length > 125 {
            return .violation(.protocolError, "Control frames must be whole and of at most 125 bytes.")
        }
        return nil
    }

    private mutating func handle(_ frame: WebSocketFrame) -> Event? {
        let data = frame.unmaskedData
        switch frame.opcode {
        case .binary where !takesBinary: return .violation(.unacceptableData, "Messages must be text.")
        case .text, .binary:
            guard fragments == nil else { return .violation(.protocolError, "A new message began inside another.") }
            isBinary = frame.opcode == .binary
            return append(data, to: ByteBuffer(), isLast: frame.fin)
        case .continuation:
            guard let fragments else { return .violation(.protocolError, "A continuation came without a message to continue.") }
            return append(data, to: fragments, isLast: frame.fin)
        case .ping: return .ping(data)
        case .pong: return nil
        case .connectionClose: return close(data)
        default: return .violation(.protocolError, "The opcode is not defined.")
        }
    }

    private mutating func append(_ data: ByteBuffer, to message: ByteBuffer, isLast: Bool) -> Event? {
        guard message.readableBytes + data.readableBytes <= maxMessageSize else {
            return .violation(.messageTooLarge, "Messages hold at most \(maxMessageSize) bytes.")
        }
        // Emptied first, so that the buffer below is the only reference and grows in place.
        fragments = nil
        var message = message
        message.writeImmutableBuffer(data)
        guard isLast else {
            fragments = message
            return nil
        }
        guard !isBinary else { return .binary(message) }
        guard let text = String(validating: message.readableBytesView, as: UTF8.self) else {
            return .violation(.dataInconsistentWithMessage, "The text is not valid UTF-8.")
        }
        return .text(text)
    }

    private func close(_ data: ByteBuffer) -> Event {
        var data = data
        guard data.readableBytes > 0 else { return .close(.normalClosure) }
        guard let code = data.readInteger(as: UInt16.self), Self.mayBeSent(code) else {
            return .violation(.protocolError, "The close code is not valid.")
        }
        guard String(validating: data.readableBytesView, as: UTF8.self) != nil else {
            return .violation(.dataInconsistentWithMessage, "The close reason is not valid UTF-8.")
        }
        return .close(WebSocketErrorCode(codeNumber: Int(code)))
    }

    /// Codes that may appear on the wire: RFC 6455, 7.4.1 and 7.4.2, and the registry's 1012 to 1014.
    private static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
