/// A type that writes its own JSON in the form in which it is sent most often: one token of a stream. Foundation's encoder takes some 20 µs
/// for each, which adds up over many streams.
///
/// The bytes are the same as the generic encoder's; tests compare them.
protocol DirectJSON {
    /// `nil` where this value has another form than the frequent one.
    var directJSON: [UInt8]? { get }
}

/// Writes the chunks of one reply that add text and nothing else; what they have in common is encoded once.
///
/// The bytes are the same as the generic encoder's; tests compare them.
package struct TextChunkWriter: Sendable {
    private let end: [UInt8]

    /// - Parameter chunk: any chunk of the reply.
    package init(like chunk: ChatCompletionChunk) {
        var writer = JSONWriter()
        writer.raw(#"}],"created":"#)
        writer.integer(chunk.created)
        writer.raw(#","id":"#)
        writer.string(chunk.id)
        writer.raw(#","model":"#)
        writer.string(chunk.model)
        writer.raw(#","object":"#)
        writer.string(chunk.object)
        if let fingerprint = chunk.systemFingerprint {
            writer.raw(#","system_fingerprint":"#)
            writer.string(fingerprint)
        }
        writer.raw("}")
        end = writer.bytes
    }

    /// Appends the chunk that adds `content` to the choice of this index.
    package func write(_ content: String, index: Int, to bytes: inout [UInt8]) {
        var given: [UInt8] = []
        swap(&given, &bytes)
        var writer = JSONWriter(appendingTo: given)
        writer.raw(#"{"choices":[{"delta":{"content":"#)
        writer.string(content)
        writer.raw(#"},"finish_reason":null,"index":"#)
        writer.integer(index)
        writer.bytes(end)
        bytes = writer.bytes
    }
}

extension WebSocketServerEvent: DirectJSON {
    /// A piece of text.
    var directJSON: [UInt8]? {
        guard case .contentBlockDelta(let index, let text) = payload else { return nil }
        var writer = JSONWriter()
        writer.raw(#"{"data":{"delta":{"text":"#)
        writer.string(text)
        writer.raw(#","type":"text_delta"},"index":"#)
        writer.integer(index)
        writer.raw(#"},"event":"content_block_delta""#)
        if let id {
            writer.raw(#","id":"#)
            writer.string(id)
        }
        writer.raw("}")
        return writer.bytes
    }
}

/// Writes JSON text, escaping as Foundation's encoder does.
private struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    init(appendingTo bytes: consuming [UInt8] = []) {
        self.bytes = bytes
        self.bytes.reserveCapacity(self.bytes.count + 384)
    }

    mutating func bytes(_ more: [UInt8]) {
        bytes += more
    }

    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func integer(_ value: Int) {
        bytes.append(contentsOf: String(value).utf8)
    }

    mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): raw(#"\""#)
            case UInt8(ascii: "\\"): raw(#"\\"#)
            case 0x08: raw(#"\b"#)
            case 0x09: raw(#"\t"#)
            case 0x0A: raw(#"\n"#)
            case 0x0C: raw(#"\f"#)
            case 0x0D: raw(#"\r"#)
            case 0..<0x20:
                raw(#"\u00"#)
                bytes.append(byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
                bytes.append(contentsOf: String(byte & 15, radix: 16).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
