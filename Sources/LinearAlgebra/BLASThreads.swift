import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The threads that BLAS and LAPACK use.
///
/// OpenBLAS starts one a processor when it is loaded; other implementations do as they like, and Accelerate decides by
/// itself. A choice made here holds for the process.
public enum BLASThreads {
    private static let chosen = Atomic<Int>(0)
    private static let applied = Atomic<Int>(0)

    /// Asks for a number of threads, 1 or more; 0 leaves the library's own choice.
    public static func set(_ count: Int) {
        chosen.store(max(0, min(count, 256)), ordering: .relaxed)
    }

    /// Passes the number on, where the library has a function for that.
    static func prepare() {
        let count = chosen.load(ordering: .relaxed)
        guard count > 0, applied.exchange(count, ordering: .relaxed) != count else { return }
        // Found by name: the function is OpenBLAS's own, and the package links with any BLAS.
        guard let symbol = dlsym(handle, "openblas_set_num_threads") else { return }
        typealias Setter = @convention(c) (Int32) -> Void
        unsafeBitCast(symbol, to: Setter.self)(Int32(count))
    }

    /// Stands for every library of the process.
    private static var handle: UnsafeMutableRawPointer? {
        #if canImport(Darwin)
            UnsafeMutableRawPointer(bitPattern: -2)
        #else
            nil
        #endif
    }
}
