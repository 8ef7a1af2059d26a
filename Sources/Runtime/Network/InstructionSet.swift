import CUD2MKernels
import UD2MFormats

/// The vector instructions that the CPU kernels use on this machine.
public enum InstructionSet {
    /// The name of the chosen tier: `reference`, `generic`, `avx2`, `avx512` or `neon`; `UD2M_ISA` overrides it.
    public static var current: String { String(cString: ud2m_isa_name(ud2m_isa_default())) }

    /// The threads that a network uses unless told otherwise: one a processor that this process may use.
    public static var availableThreads: Int { Int(ud2m_available_processors()) }

    /// The names of the tiers that this machine can run.
    public static var available: [String] {
        [UD2M_ISA_REFERENCE, UD2M_ISA_GENERIC, UD2M_ISA_AVX2, UD2M_ISA_AVX512, UD2M_ISA_NEON]
            .filter(ud2m_isa_available).map { String(cString: ud2m_isa_name($0)) }
    }

    /// Throws `instruction-set` when `UD2M_ISA` asks for a tier that cannot be had: what is measured or tested would
    /// silently be another one.
    package static func requireWanted() throws {
        guard !ud2m_isa_wanted_available(), let wanted = ud2m_isa_wanted() else { return }
        throw UD2MError(
            .instructionSet, "UD2M_ISA is '\(String(cString: wanted))', which is no instruction set of this machine.",
            remedy: "Unset it, or set it to one of \(available.joined(separator: ", ")).")
    }
}
