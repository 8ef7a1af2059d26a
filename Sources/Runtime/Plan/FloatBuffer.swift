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

    /// The first float.
    package let base: UnsafeMutablePointer<Float>
    /// The number of floats.
    package let count: Int

    /// Creates a buffer of zeros.
    /// - Throws: `memory-exhausted` when the system does not give the memory.
    package init(count: Int) throws {
        let bytes = max(count, 1).multipliedOrMaximum(MemoryLayout<Float>.stride)
        try MachineMemory.require(bytes, for: "A buffer of \(count) floats")
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, FloatBuffer.alignment, bytes) == 0, let memory else {
            throw UD2MError(
                .memoryExhausted, "The system gives no \(bytes) bytes of memory.", remedy: MachineMemory.remedy)
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
