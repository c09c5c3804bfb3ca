import CStellarKernels

/// The C kernels of this process's instruction set.
enum Kernels {
    /// Functions without state; never changed once set.
    static let table: stellar_kernels = stellar_kernels_active().pointee

    /// - Throws: ``InferenceError`` `invalidConfiguration` if `STELLAR_ISA` names an instruction set that does not exist here.
    static func validateSelection() throws(InferenceError) {
        var message = [CChar](repeating: 0, count: 256)
        guard stellar_kernels_status(&message, message.count) != STELLAR_STATUS_OK else { return }
        throw InferenceError(.invalidConfiguration, text(of: message))
    }

    /// Name of the instruction set in use: `scalar`, `avx2`, `avx512` or `neon`.
    static var instructionSet: String { String(cString: stellar_isa_name(table.isa)) }

    /// Whether F16 weights cost no more to read than FP32 ones: all but the scalar kernels have instructions for them.
    static var convertsHalvesInHardware: Bool { table.isa != STELLAR_ISA_SCALAR }

    /// The processor's features that matter here.
    static var processorFeatures: String {
        var buffer = [CChar](repeating: 0, count: 512)
        _ = stellar_cpu_description(&buffer, buffer.count)
        return text(of: buffer)
    }

    static func dequantize(type: TensorType, source: UnsafeRawPointer, target: UnsafeMutablePointer<Float>, count: Int) {
        if stellar_expandable(type.rawValue) {
            stellar_expand(type.rawValue, source, target, count)
        } else {
            table.dequantize(type.kernelType, source, target, count)
        }
    }

    private static func text(of buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension TensorType {
    var kernelType: stellar_type { stellar_type(rawValue: rawValue) }

    /// Whether products are computed with weights of this type as they are stored. Others are expanded when a model is loaded.
    var hasKernels: Bool { stellar_type_supported(kernelType) }

    /// Whether weights of this type can be used in a forward pass. Others can be inspected only.
    package var isRunnable: Bool { hasKernels || stellar_expandable(rawValue) }
}
