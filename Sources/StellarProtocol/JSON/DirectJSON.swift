/// A type that writes its own JSON in the form in which it is sent most often: one token of a stream. Foundation's encoder takes some 20 µs
/// for each, which adds up over many streams.
///
/// The bytes are the same as the generic encoder's; tests compare them.
protocol DirectJSON {
    /// `nil` where this value has another form than the frequent one.
    var directJSON: [UInt8]? { get }
}

extension ChatCompletionChunk: DirectJSON {
    /// A chunk of one choice that adds text and nothing else.
    var directJSON: [UInt8]? {
        guard choices.count == 1, let choice = choices.first, let content = choice.delta.content, let systemFingerprint,
            self == ChatCompletionChunk.textOnly(of: self, choice.index, content)
        else { return nil }
        var writer = JSONWriter()
        writer.raw(#"{"choices":[{"delta":{"content":"#)
        writer.string(content)
        writer.raw(#"},"finish_reason":null,"index":"#)
        writer.integer(choice.index)
        writer.raw(#"}],"created":"#)
        writer.integer(created)
        writer.raw(#","id":"#)
        writer.string(id)
        writer.raw(#","model":"#)
        writer.string(model)
        writer.raw(#","object":"#)
        writer.string(object)
        writer.raw(#","system_fingerprint":"#)
        writer.string(systemFingerprint)
        writer.raw("}")
        return writer.bytes
    }

    /// `chunk` without anything that the direct form does not write.
    private static func textOnly(of chunk: ChatCompletionChunk, _ index: Int, _ content: String) -> ChatCompletionChunk {
        var plain = chunk
        plain.choices = [Choice(index: index, delta: Delta(content: content))]
        plain.usage = nil
        plain.timings = nil
        return plain
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

    init() {
        bytes.reserveCapacity(384)
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
