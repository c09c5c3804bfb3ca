/// The bytes of a file, with whatever keeps them in memory.
///
/// `@unchecked Sendable`: the bytes are never written while `owner` lives (who makes a value promises that), and reading is all that a
/// raw buffer pointer over them is used for.
package struct FileBytes: @unchecked Sendable {
    /// Valid as long as this value or a copy of it lives.
    package let buffer: UnsafeRawBufferPointer
    /// What people call the file in messages.
    package let name: String
    /// What keeps the bytes in memory.
    let owner: any AnyObject & Sendable

    /// - Parameter buffer: memory that stays readable and unchanged as long as `owner` lives.
    package init(_ buffer: UnsafeRawBufferPointer, name: String, owner: any AnyObject & Sendable) {
        self.buffer = buffer
        self.name = name
        self.owner = owner
    }

    package init(_ file: MappedFile) {
        self.init(file.bytes, name: file.path, owner: file)
    }
}
