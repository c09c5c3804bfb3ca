/// The element types of safetensors files, by the names in their headers.
///
/// Format: https://github.com/huggingface/safetensors (`Dtype`).
package enum SafetensorsType: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case u8 = "U8"
    case i8 = "I8"
    case f8E5M2 = "F8_E5M2"
    case f8E4M3 = "F8_E4M3"
    case f8E8M0 = "F8_E8M0"
    case i16 = "I16"
    case u16 = "U16"
    case f16 = "F16"
    case bf16 = "BF16"
    case i32 = "I32"
    case u32 = "U32"
    case f32 = "F32"
    case c64 = "C64"
    case f64 = "F64"
    case i64 = "I64"
    case u64 = "U64"

    package var byteCount: Int {
        switch self {
        case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0: 1
        case .i16, .u16, .f16, .bf16: 2
        case .i32, .u32, .f32: 4
        case .c64, .f64, .i64, .u64: 8
        }
    }

    /// The same type among those of tensors; `nil` for those that weights never have.
    package var tensorType: TensorType? {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        case .f64: .f64
        case .i8: .i8
        case .i16: .i16
        case .i32: .i32
        case .i64: .i64
        case .bool, .u8, .u16, .u32, .u64, .c64, .f8E5M2, .f8E4M3, .f8E8M0: nil
        }
    }

    /// Whether weights may be of this type, be it read here or not.
    var isFloatingPoint: Bool {
        switch self {
        case .f8E5M2, .f8E4M3, .f8E8M0, .f16, .bf16, .f32, .f64: true
        case .bool, .u8, .i8, .i16, .u16, .i32, .u32, .i64, .u64, .c64: false
        }
    }
}
