/// A lexical unit of a template.
struct JinjaToken {
    enum Kind: Equatable {
        /// Text outside of tags.
        case data([UInt8])
        case blockBegin
        case blockEnd
        case outputBegin
        case outputEnd
        case name(String)
        case string([UInt8])
        case integer(Int)
        case double(Double)
        case symbol(String)
        case end
    }

    var kind: Kind
    var line: Int
    /// Byte offset into the source, for the column of errors.
    var offset: Int

    /// The token as error messages name it.
    var description: String {
        switch kind {
        case .data: "template text"
        case .blockBegin: "{%"
        case .blockEnd: "end of statement block"
        case .outputBegin: "{{"
        case .outputEnd: "end of print statement"
        case .name(let name): name
        case .string: "string"
        case .integer: "integer"
        case .double: "float"
        case .symbol(let symbol): symbol
        case .end: "end of template"
        }
    }
}
