import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The memory of the machine. The system promises more than there is, and ends a process that uses it, so that large
/// requests are compared with this first.
package enum MachineMemory {
    /// Bytes that the machine has; the largest integer where it does not tell.
    package static let bytes: Int = {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        return pages > 0 ? pages.multipliedOrMaximum(sysconf(Int32(_SC_PAGESIZE))) : .max
    }()

    /// Checks that something can fit.
    /// - Parameters:
    ///   - needed: its bytes, the largest integer where they overflow.
    ///   - subject: what it is, for the message: "A batch of 2 images of 64×64 pixels".
    /// - Throws: `memory-exhausted` with the bytes needed and those of the machine.
    package static func require(_ needed: Int, for subject: @autoclosure () -> String) throws {
        guard needed > bytes else { return }
        let amount = needed == .max ? "more memory than can be addressed" : "\(text(needed)) of memory"
        throw UD2MError(
            .memoryExhausted, "\(subject()) needs \(amount), and this machine has \(text(bytes)).", remedy: remedy)
    }

    /// What helps against running out of it.
    static let remedy = "Use smaller images, a smaller batch or tiles, or a machine with more memory."

    /// "23.5 GB".
    private static func text(_ bytes: Int) -> String {
        let tenths = bytes / 100_000_000
        return "\(tenths / 10).\(tenths % 10) GB"
    }
}
