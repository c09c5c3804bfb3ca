package import NIOCore
package import NIOWebSocket

/// Cuts a client's bytes into frames (RFC 6455, 5.2), and refuses as soon as a frame's head shows that it breaks the protocol or is too
/// large: its payload is not waited for.
package struct WebSocketFrameParser {
    /// Why the connection has to close.
    package struct Violation: Error, Equatable {
        package var code: WebSocketErrorCode
        package var reason: String

        init(_ code: WebSocketErrorCode, _ reason: String) {
            self.code = code
            self.reason = reason
        }
    }

    private struct Head {
        var first: UInt8
        var length: Int
        var maskKey: WebSocketMaskingKey
        /// Bytes before the payload.
        var size: Int
    }

    private let maxFrameSize: Int
    private var buffer = ByteBuffer()

    /// - Parameter maxFrameSize: Most bytes of one frame's payload.
    package init(maxFrameSize: Int) {
        self.maxFrameSize = maxFrameSize
    }

    package mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole frame; `nil` until more bytes come.
    ///
    /// - Throws: ``Violation``; nothing may be read after one.
    package mutating func next() throws(Violation) -> WebSocketFrame? {
        guard let head = try readHead(), buffer.readableBytes >= head.size + head.length else { return nil }
        buffer.moveReaderIndex(forwardBy: head.size)
        guard let payload = buffer.readSlice(length: head.length) else { return nil }
        return WebSocketFrame(
            fin: head.first & 0x80 != 0,
            rsv1: head.first & 0x40 != 0,
            rsv2: head.first & 0x20 != 0,
            rsv3: head.first & 0x10 != 0,
            opcode: WebSocketOpcode(encodedWebSocketOpcode: head.first & 0x0F) ?? .continuation,
            maskKey: head.maskKey,
            data: payload
        )
    }

    private func readHead() throws(Violation) -> Head? {
        let start = buffer.readerIndex
        guard let first = buffer.getInteger(at: start, as: UInt8.self), let second = buffer.getInteger(at: start + 1, as: UInt8.self) else {
            return nil
        }
        try check(first, second)
        let (length, lengthSize): (UInt64?, Int) =
            switch second & 0x7F {
            case 126: (buffer.getInteger(at: start + 2, as: UInt16.self).map(UInt64.init), 2)
            case 127: (buffer.getInteger(at: start + 2, as: UInt64.self), 8)
            case let short: (UInt64(short), 0)
            }
        guard let length else { return nil }
        guard length <= UInt64(maxFrameSize) else {
            throw Violation(.messageTooLarge, "Frames hold at most \(maxFrameSize) bytes.")
        }
        let keyStart = start + 2 + lengthSize
        guard let bytes = buffer.getBytes(at: keyStart, length: 4), let key = WebSocketMaskingKey(bytes) else { return nil }
        return Head(first: first, length: Int(length), maskKey: key, size: 2 + lengthSize + 4)
    }

    private func check(_ first: UInt8, _ second: UInt8) throws(Violation) {
        guard second & 0x80 != 0 else { throw Violation(.protocolError, "Frames of a client must be masked.") }
        guard first & 0x70 == 0 else { throw Violation(.protocolError, "Reserved bits are set, but no extension was agreed.") }
        let opcode = first & 0x0F
        guard [0, 1, 2, 8, 9, 10].contains(opcode) else { throw Violation(.protocolError, "The opcode is not defined.") }
        if opcode >= 8, first & 0x80 == 0 || second & 0x7F > 125 {
            throw Violation(.protocolError, "Control frames must be whole and of at most 125 bytes.")
        }
    }
}
