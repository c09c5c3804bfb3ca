import Foundation

/// A regular file, mapped read-only into memory.
///
/// `@unchecked Sendable`: the mapping is private, read-only and stays where it is until `deinit`, so any number of threads may read it.
/// Shortening the file on disk while it is mapped is the one thing that can't be guarded against (reads beyond its new end fault).
package final class MappedFile: @unchecked Sendable {
    package let path: String
    /// The whole file. Valid as long as this object lives; starts at a page boundary.
    package let bytes: UnsafeRawBufferPointer

    /// - Throws: ``InferenceError`` `modelNotFound` if nothing is there, `invalidModelFile` if it is no readable, non-empty regular file.
    package init(path: String) throws(InferenceError) {
        // Without O_NONBLOCK, opening a named pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw MappedFile.openError(path, errno) }
        defer { close(descriptor) }
        let size = try MappedFile.size(of: descriptor, path)
        guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw InferenceError(.invalidModelFile, "\(path) can't be mapped into memory: \(String(cString: strerror(errno))).")
        }
        self.path = path
        bytes = UnsafeRawBufferPointer(start: base, count: size)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }

    /// Lets go of the memory that holds `part` of the file; reading it again fetches it from the file again.
    func discard(_ part: UnsafeRawBufferPointer) {
        guard let start = part.baseAddress, let base = bytes.baseAddress, start >= base, start + part.count <= base + bytes.count else {
            return
        }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let first = start.alignedUp(toMultipleOf: page)
        let end = (start + part.count).alignedDown(toMultipleOf: page)
        if end > first { madvise(UnsafeMutableRawPointer(mutating: first), end - first, Int32(MADV_DONTNEED)) }
    }

    private static func size(of descriptor: Int32, _ path: String) throws(InferenceError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw openError(path, errno) }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG else {
            throw InferenceError(
                .invalidModelFile,
                "\(path) is \(kind == S_IFDIR ? "a directory" : "not a regular file"), not a model file."
            )
        }
        guard status.st_size > 0 else { throw InferenceError(.invalidModelFile, "\(path) is empty (0 bytes). Download it again.") }
        return Int(status.st_size)
    }

    private static func openError(_ path: String, _ code: Int32) -> InferenceError {
        if code == ENOENT || code == ENOTDIR { return InferenceError(.modelNotFound, "There is no file \(path).") }
        return InferenceError(.invalidModelFile, "\(path) can't be opened: \(String(cString: strerror(code))).")
    }
}
