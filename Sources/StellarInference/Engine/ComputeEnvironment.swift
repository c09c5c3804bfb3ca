/// What this machine gives to the library: for start-up logs and bug reports.
public struct ComputeEnvironment: Sendable, Equatable {
    /// The instruction set whose kernels run: `scalar`, `avx2`, `avx512` or `neon`.
    public let instructionSet: String
    /// The processor's features that matter here, separated by spaces.
    public let processorFeatures: String
    /// Physical cores that the process may use (affinity and CPU quota considered).
    public let usableCores: Int
    public let blas: BLASLibrary

    /// Finds out once per process; the first use takes some milliseconds.
    public static let current = ComputeEnvironment(
        instructionSet: Kernels.instructionSet,
        processorFeatures: Kernels.processorFeatures,
        usableCores: MachineTopology.usableCores,
        blas: BLASLibrary.current
    )
}
