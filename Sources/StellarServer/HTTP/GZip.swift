import CZlib
import NIOCore

/// Compression as gzip (RFC 1952).
enum GZip {
    /// 16 more than the window's size asks zlib for gzip's header and checksum.
    private static let windowBits: Int32 = 15 + 16
    private static let memoryLevel: Int32 = 8

    /// - Returns: `nil` if zlib has no memory, or for 4 GB and more.
    static func compress(_ bytes: ByteBuffer, level: Int32 = 6) -> ByteBuffer? {
        guard let count = UInt32(exactly: bytes.readableBytes) else { return nil }
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(&stream, level, Z_DEFLATED, windowBits, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
            return nil
        }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(count)))
        var output = ByteBuffer()
        var result = Z_STREAM_ERROR
        bytes.withUnsafeReadableBytes { input in
            _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = count
                stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
                let space = UInt32(clamping: target.count)
                stream.avail_out = space
                result = deflate(&stream, Z_FINISH)
                return Int(space - stream.avail_out)
            }
        }
        return result == Z_STREAM_END ? output : nil
    }
}
