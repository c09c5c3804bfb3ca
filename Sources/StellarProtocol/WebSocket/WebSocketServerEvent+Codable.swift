extension WebSocketServerEvent {
    enum CodingKeys: String, CodingKey {
        case event, data, id
    }

    private enum Name: String, Codable {
        case sessionStart = "session_start"
        case contentBlockStart = "content_block_start"
        case contentBlockDelta = "content_block_delta"
        case contentBlockStop = "content_block_stop"
        case messageDelta = "message_delta"
        case messageStop = "message_stop"
        case progress
        case error
        case pong
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decodeIfPresent(String.self, forKey: .id)
        func data<Value: Decodable>(_ type: Value.Type) throws -> Value { try container.decode(type, forKey: .data) }
        switch try container.decode(Name.self, forKey: .event) {
        case .sessionStart: payload = .sessionStart(sessionID: try data(SessionStart.self).sessionID)
        case .contentBlockStart: payload = .contentBlockStart(index: try data(BlockStart.self).index)
        case .contentBlockDelta:
            let block = try data(BlockDelta.self)
            payload = .contentBlockDelta(index: block.index, text: block.delta.text)
        case .contentBlockStop: payload = .contentBlockStop(index: try data(BlockStop.self).index)
        case .messageDelta:
            let end = try data(MessageDelta.self)
            payload = .messageDelta(finishReason: end.delta.finishReason, usage: end.usage, timings: end.timings)
        case .messageStop: payload = .messageStop
        case .progress: payload = .progress(try data(WebSocketProgress.self))
        case .error: payload = .error(try data(ErrorData.self).object)
        case .pong: payload = .pong
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(id, forKey: .id)
        func write(_ name: Name, _ data: (some Encodable)?) throws {
            try container.encode(name, forKey: .event)
            try container.encodeIfPresent(data, forKey: .data)
        }
        switch payload {
        case .sessionStart(let sessionID): try write(.sessionStart, SessionStart(sessionID: sessionID))
        case .contentBlockStart(let index): try write(.contentBlockStart, BlockStart(index: index))
        case .contentBlockDelta(let index, let text): try write(.contentBlockDelta, BlockDelta(index: index, delta: .init(text: text)))
        case .contentBlockStop(let index): try write(.contentBlockStop, BlockStop(index: index))
        case .messageDelta(let reason, let usage, let timings):
            try write(.messageDelta, MessageDelta(delta: .init(finishReason: reason), usage: usage, timings: timings))
        case .progress(let progress): try write(.progress, progress)
        case .messageStop: try write(.messageStop, Empty())
        case .error(let error): try write(.error, ErrorData(error))
        case .pong: try write(.pong, Empty?.none)
        }
    }
}

private struct Empty: Codable {}

private struct SessionStart: Codable {
    var sessionID: String

    enum CodingKeys: String, CodingKey {
        case sessionID = "session_id"
    }
}

private struct BlockStart: Codable {
    var type = "text"
    var index: Int
}

private struct BlockStop: Codable {
    var index: Int
}

private struct BlockDelta: Codable {
    struct Text: Codable {
        var type = "text_delta"
        var text: String
    }

    var index: Int
    var delta: Text
}

private struct MessageDelta: Codable {
    struct Delta: Codable {
        var finishReason: String

        enum CodingKeys: String, CodingKey {
            case finishReason = "finish_reason"
        }
    }

    var delta: Delta
    var usage: WebSocketUsage
    var timings: Timings?
}

/// `type` and `message` always; `param` and `code` only where there are any.
private struct ErrorData: Codable {
    var type: String
    var message: String
    var param: String?
    var code: String?

    init(_ error: ErrorObject) {
        type = error.type
        message = error.message
        param = error.param
        code = error.code
    }

    var object: ErrorObject { ErrorObject(message: message, type: type, param: param, code: code) }
}
