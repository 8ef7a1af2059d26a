import CUD2MKernels

/// The vector instructions that the CPU kernels use on this machine.
public enum InstructionSet {
    /// The name of the chosen tier: `reference`, `generic`, `avx2`, `avx512` or `neon`; `UD2M_ISA` overrides it.
    public static var current: String { String(cString: ud2m_isa_name(ud2m_isa_default())) }

    /// The threads that a network uses unless told otherwise: one a processor that this process may use.
    public static var availableThreads: Int { Int(ud2m_available_processors()) }
}
