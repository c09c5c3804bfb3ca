package import Hummingbird
package import Logging
package import NIOCore
package import NIOWebSocket
import ServiceLifecycle

/// What is done with the messages of one WebSocket. Called by its connection in order, one call at a time, except for ``shutDown()``.
package protocol WebSocketSession: Sendable {
    /// Whether binary messages are taken; if not, they close the connection (1003).
    var takesBinary: Bool { get }
    /// Whether something is being done for the client, so that its silence means nothing.
    var isBusy: Bool { get async }
    /// The connection is open.
    func opened(_ connection: WebSocketConnection) async
    func receive(text: String) async
    func receive(binary: ByteBuffer) async
    /// The server stops: finish what runs, then close with 1001.
    func shutDown() async
    /// The connection is over; nothing may be going on for it when this returns.
    func closed() async
}

extension WebSocketSession {
    package var takesBinary: Bool { false }
    package var isBusy: Bool { get async { false } }
    package func receive(binary: ByteBuffer) async {}
}

/// One WebSocket connection (RFC 6455): frames in, frames out, pings, and the closing handshake.
///
/// Frames are read all the time, also while a session writes, so that pings, cancellations and the client's close are seen at once. What is
/// written goes through a bounded queue: whoever writes to a client that reads slowly waits, and a client that takes nothing at all is
/// closed by the connection below.
package actor WebSocketConnection {
    /// Frames that may wait to be written.
    private static let queueLength = 32

    private let limits: WebSocketLimits
    private let session: any WebSocketSession
    private let logger: Logger
    private let outbox = BoundedChannel<ByteBuffer>(capacity: WebSocketConnection.queueLength)
    private var parser: WebSocketFrameParser
    private var reader: WebSocketMessageReader
    /// Since the last ping.
    private var hasHeardFromClient = true
    private var lastMessage = ContinuousClock.now
    private var isClosing = false

    package init(session: any WebSocketSession, limits: WebSocketLimits, logger: Logger) {
        self.session = session
        self.limits = limits
        self.logger = logger
        parser = WebSocketFrameParser(maxFrameSize: limits.maxFrameSize)
        reader = WebSocketMessageReader(maxMessageSize: limits.maxMessageSize, takesBinary: session.takesBinary)
    }

    /// Serves the connection until either side closes it.
    ///
    /// - Parameters:
    ///   - inbound: The client's bytes.
    ///   - writer: Takes ours.
    package nonisolated func run(_ inbound: RequestBody, _ writer: inout any ResponseBodyWriter) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.read(inbound) }
            group.addTask { await self.pingRegularly() }
            group.addTask {
                guard (try? await gracefulShutdown()) != nil else { return }
                await self.session.shutDown()
            }
            await session.opened(self)
            do {
                while let frames = try await outbox.nextBatch() {
                    try await writer.write(Self.joined(frames))
                }
            } catch {
                logger.debug("WebSocket can't be written", metadata: ["error": "\(error)"])
                outbox.finish()
            }
            group.cancelAll()
        }
        await session.closed()
    }

    private static func joined(_ frames: [ByteBuffer]) -> ByteBuffer {
        guard frames.count > 1, var all = frames.first else { return frames.first ?? ByteBuffer() }
        for frame in frames.dropFirst() { all.writeImmutableBuffer(frame) }
        return all
    }

    // MARK: Reading

    private func read(_ inbound: RequestBody) async {
        do {
            for try await bytes in inbound where !isClosing {
                hasHeardFromClient = true
                parser.append(bytes)
                while !isClosing, let frame = try parser.next() { await receive(frame) }
            }
        } catch let violation as WebSocketFrameParser.Violation {
            close(violation.code, reason: violation.reason)
        } catch {
            logger.debug("WebSocket can't be read", metadata: ["error": "\(error)"])
        }
        // After the client's end, or ours: nothing more is written.
        outbox.finish()
    }

    private func receive(_ frame: WebSocketFrame) async {
        switch reader.receive(frame) {
        case .text(let text):
            lastMessage = .now
            await session.receive(text: text)
        case .binary(let bytes):
            lastMessage = .now
            await session.receive(binary: bytes)
        case .ping(let data): await send(.pong, data)
        case .close(let code): close(code, reason: "")
        case .violation(let code, let reason): close(code, reason: reason)
        case nil: break
        }
    }

    private func pingRegularly() async {
        while (try? await Task.sleep(for: limits.pingInterval)) != nil, !isClosing {
            if !hasHeardFromClient {
                close(.goingAway, reason: "No answer to a ping.")
            } else if let idle = limits.idleTimeout, ContinuousClock.now - lastMessage > idle, await !session.isBusy {
                close(.goingAway, reason: "Nothing was said for too long.")
            } else {
                hasHeardFromClient = false
                await send(.ping, ByteBuffer(integer: UInt64.random(in: .min ... .max)))
            }
        }
    }

    // MARK: Writing

    /// Sends a text message; waits while the client is slow.
    package func send(text: some Sequence<UInt8>) async {
        await send(.text, ByteBuffer(bytes: text))
    }

    /// Sends a binary message; waits while the client is slow.
    package func send(binary: ByteBuffer) async {
        await send(.binary, binary)
    }

    private nonisolated func send(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) async {
        _ = await outbox.send(Self.frame(opcode, payload))
    }

    /// A server's frame: whole and not masked (RFC 6455, 5.1).
    private static func frame(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) -> ByteBuffer {
        let code: UInt8 =
            switch opcode {
            case .text: 1
            case .binary: 2
            case .connectionClose: 8
            case .ping: 9
            case .pong: 10
            default: 0
            }
        var frame = ByteBuffer()
        frame.reserveCapacity(payload.readableBytes + 10)
        frame.writeInteger(0x80 | code)
        switch payload.readableBytes {
        case ..<126: frame.writeInteger(UInt8(payload.readableBytes))
        case ..<65536: frame.writeMultipleIntegers(126 as UInt8, UInt16(payload.readableBytes))
        default: frame.writeMultipleIntegers(127 as UInt8, UInt64(payload.readableBytes))
        }
        frame.writeImmutableBuffer(payload)
        return frame
    }

    /// Sends a close frame and ends the connection. Without effect on one that closes already.
    package func close(_ code: WebSocketErrorCode, reason: String) {
        guard !isClosing else { return }
        isClosing = true
        var payload = ByteBuffer()
        payload.write(webSocketErrorCode: code)
        payload.writeString(reason)
        outbox.sendAtOnce(Self.frame(.connectionClose, payload))
        outbox.finish()
    }
}
