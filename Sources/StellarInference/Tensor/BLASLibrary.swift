import CBLAS
import CStellarKernels
import Foundation

/// The BLAS that the process is linked with, and whether it is worth using.
///
/// All implementations share one ABI, so which one runs is known only at run time, and how fast it is depends on the processor too: the
/// reference library is a hundred times slower than OpenBLAS, and an OpenBLAS that does not know the processor is slower than our own
/// kernels. So it is measured, and used where it pays.
public struct BLASLibrary: Sendable, Equatable {
    /// Name and version as far as the library tells, else the file it came from.
    public let name: String
    /// Measured speed of a single-precision product on one thread, 10⁹ operations per second.
    public let gigaflops: Double
    /// The same product through our own kernels.
    public let kernelGigaflops: Double

    /// Slower than half of our own kernels: worth a word in the log.
    public var isSlow: Bool { gigaflops < 0.5 * kernelGigaflops }

    /// Clearly faster than our own kernels. Near equality the kernels are preferred: their results do not depend on how many rows share a
    /// product.
    public var isWorthUsing: Bool { gigaflops > 1.15 * kernelGigaflops }

    /// The library of this process; the first use sets it to one thread (the compute pool splits the work) and measures it (some milliseconds).
    public static let current: BLASLibrary = {
        limitToOneThread()
        let probe = Probe()
        return BLASLibrary(name: detectName(), gigaflops: probe.measureBLAS(), kernelGigaflops: probe.measureKernels())
    }()

    /// y = x · w in single precision, row-major.
    ///
    /// - Parameters:
    ///   - x: `[rows, inputs]`, rows `ldx` apart.
    ///   - w: `[inputs, outputs]`, rows `ldw` apart.
    ///   - y: `[rows, outputs]`, rows `ldy` apart; overwritten.
    static func multiply(
        x: UnsafePointer<Float>,
        ldx: Int,
        rows: Int,
        w: UnsafePointer<Float>,
        ldw: Int,
        outputs: Int,
        inputs: Int,
        y: UnsafeMutablePointer<Float>,
        ldy: Int
    ) {
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasNoTrans,
            Int32(rows),
            Int32(outputs),
            Int32(inputs),
            1,
            x,
            Int32(ldx),
            w,
            Int32(ldw),
            0,
            y,
            Int32(ldy)
        )
    }

    private static func limitToOneThread() {
        for name in ["openblas_set_num_threads", "bli_thread_set_num_threads", "MKL_Set_Num_Threads"] {
            guard let symbol = dlsym(nil, name) else { continue }
            unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Void).self)(1)
        }
    }

    private static func detectName() -> String {
        if let symbol = dlsym(nil, "openblas_get_config") {
            let config = unsafeBitCast(symbol, to: (@convention(c) () -> UnsafePointer<CChar>?).self)()
            if let config { return String(cString: config).split(separator: " ").prefix(2).joined(separator: " ") }
        }
        #if canImport(Darwin)
            return "Accelerate"
        #else
            guard let symbol = dlsym(nil, "cblas_sgemm"), let path = fileMapped(at: UInt(bitPattern: symbol)) else { return "unknown BLAS" }
            return path.contains("/blas/") ? "reference BLAS (\(path))" : path
        #endif
    }

    #if os(Linux)
        /// The file whose mapping holds `address`, by `/proc/self/maps` (proc(5)): lines of `start-end flags offset device inode path`.
        private static func fileMapped(at address: UInt) -> String? {
            // Read to the end piece by piece: the size of a file in /proc is not known beforehand.
            let maps = (try? FileHandle(forReadingAtPath: "/proc/self/maps")?.readToEnd()) ?? Data()
            for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
                let fields = line.split(separator: " ", maxSplits: 5)
                let bounds = fields.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
                if fields.count == 6, bounds.count == 2, address >= bounds[0], address < bounds[1] {
                    return fields[5].trimmingCharacters(in: .whitespaces)
                }
            }
            return nil
        }
    #endif
}

/// A product of the size of a prefill step's with weights as they are packed, timed.
private struct Probe {
    private static let rows = 128
    private static let outputs = WeightPacking.panelOutputs
    private static let inputs = 1_024

    private let x = [Float](repeating: 0.5, count: Probe.rows * Probe.inputs)
    private let w = [Float](repeating: 0.25, count: Probe.outputs * Probe.inputs)

    func measureBLAS() -> Double {
        measure { x, w, y in
            BLASLibrary.multiply(
                x: x,
                ldx: Self.inputs,
                rows: Self.rows,
                w: w,
                ldw: Self.outputs,
                outputs: Self.outputs,
                inputs: Self.inputs,
                y: y,
                ldy: Self.outputs
            )
        }
    }

    func measureKernels() -> Double {
        measure { x, w, y in
            var product = stellar_product(
                packing: STELLAR_PACKING_F32,
                weights: w,
                outputs: Self.outputs,
                inputs: Self.inputs,
                x: x,
                row_bytes: Self.inputs * 4,
                rows: Self.rows,
                y: y,
                ldy: Self.outputs
            )
            Kernels.table.product(&product)
        }
    }

    private func measure(
        _ product: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) -> Double {
        let operations = Double(2 * Self.rows * Self.outputs * Self.inputs)
        var y = [Float](repeating: 0, count: Self.rows * Self.outputs)
        return x.withUnsafeBufferPointer { x in
            w.withUnsafeBufferPointer { w in
                y.withUnsafeMutableBufferPointer { y in
                    guard let x = x.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return 0 }
                    let clock = ContinuousClock()
                    let fastest = (0..<4).map { _ in clock.measure { product(x, w, y) } }.min() ?? .seconds(1)
                    return operations / max(fastest.seconds, 1e-9) / 1e9
                }
            }
        }
    }
}
