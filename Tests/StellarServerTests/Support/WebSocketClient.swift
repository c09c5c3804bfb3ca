import Foundation
import StellarProtocol

/// A WebSocket client of raw frames, which can also be wrong.
struct WebSocketClient {
    struct Frame: Equatable {
        var opcode: UInt8
        var isFinal: Bool
        var payload: [UInt8]

        /// The code of a close frame.
        var closeCode: Int? {
            opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
        }
    }

    struct Refused: Error {
        var head: String
    }

    static let handshake = [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]

    let connection: RawConnection

    init(port: Int, path: String = "/api/ws/chat", headers: [String] = []) async throws {
        try await self.init(over: RawConnection(port: port), path: path, headers: headers)
    }

    init(over connection: RawConnection, path: String = "/api/ws/chat", headers: [String] = []) async throws {
        self.connection = connection
        let lines = ["GET \(path) HTTP/1.1", "Host: test"] + Self.handshake + headers
        try await connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        let head = try await connection.read(until: "\r\n\r\n")
        guard head.hasPrefix("HTTP/1.1 101") else { throw Refused(head: head) }
    }

    func send(opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, isMasked: Bool = true, flags: UInt8 = 0) async throws {
        var frame: [UInt8] = [(isFinal ? 0x80 : 0) | flags | opcode]
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ..<126: frame.append(mask | UInt8(payload.count))
        case ..<65536: frame += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default: frame += [mask | 127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: payload.count >> ($0 * 8)) }
        }
        let key: [UInt8] = [1, 2, 3, 4]
        if isMasked { frame += key }
        frame += isMasked ? payload.enumerated().map { $0.element ^ key[$0.offset % 4] } : payload
        try await connection.send(frame)
    }

    func send(_ json: String) async throws {
        try await send(opcode: 1, Array(json.utf8))
    }

    func readFrame() async throws -> Frame {
        let start = try await connection.read(count: 2)
        var length = Int(start[1] & 0x7F)
        if length >= 126 {
            let bytes = try await connection.read(count: length == 126 ? 2 : 8)
            length = bytes.reduce(0) { $0 << 8 | Int($1) }
        }
        return Frame(opcode: start[0] & 0x0F, isFinal: start[0] & 0x80 != 0, payload: try await connection.read(count: length))
    }

    /// The next text frame's event; pings of the server are skipped.
    func readEvent() async throws -> WebSocketServerEvent {
        while true {
            let frame = try await readFrame()
            if frame.opcode == 1 { return try JSONCoding.decode(WebSocketServerEvent.self, from: frame.payload) }
            guard frame.opcode == 9 else { throw RawConnection.Ended() }
        }
    }

    /// Events up to and including the first for which `isLast` holds.
    func readEvents(until isLast: (WebSocketServerEvent.Payload) -> Bool) async throws -> [WebSocketServerEvent.Payload] {
        var events: [WebSocketServerEvent.Payload] = []
        while true {
            let event = try await readEvent().payload
            events.append(event)
            if isLast(event) { return events }
        }
    }

    /// Reads until the close frame, past everything that was under way.
    func readClose() async throws -> Frame {
        while true {
            let frame = try await readFrame()
            if frame.opcode == 8 { return frame }
        }
    }
}
