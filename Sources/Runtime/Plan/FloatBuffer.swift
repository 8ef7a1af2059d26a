import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A large run of floats outside the Swift heap, aligned and advised for huge pages.
package final class FloatBuffer {
    /// The alignment in bytes: the size of a huge page.
    private static let alignment = 2 << 20

    /// Bytes of memory the machine has: the buffer is written at once, so more would end the process, not throw.
    private static var physicalMemory: Int {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let (bytes, overflow) = pages.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
        return pages > 0 && !overflow ? bytes : .max
    }

    /// The first float.
    package let base: UnsafeMutablePointer<Float>
    /// The number of floats.
    package let count: Int

    /// Creates a buffer of zeros.
    /// - Throws: `memory-exhausted` when the system does not give the memory.
    package init(count: Int) throws {
        let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
        var memory: UnsafeMutableRawPointer?
        guard !overflow, bytes <= Self.physicalMemory, posix_memalign(&memory, FloatBuffer.alignment, bytes) == 0,
            let memory
        else {
            throw UD2MError(
                .memoryExhausted, "\(count) floats cannot be allocated.",
                remedy: "Use smaller images or tiles, or free memory.")
        }
        #if os(Linux)
            madvise(memory, bytes, Int32(MADV_HUGEPAGE))
        #endif
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        base = memory.assumingMemoryBound(to: Float.self)
        self.count = count
    }

    deinit {
        free(base)
    }
}
