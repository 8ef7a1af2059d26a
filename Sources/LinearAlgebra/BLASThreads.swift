import Synchronization

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
    static func apply(to library: LAPACKLibrary) {
        let count = chosen.load(ordering: .relaxed)
        guard count > 0, applied.exchange(count, ordering: .relaxed) != count else { return }
        library.setThreads?(Int32(count))
    }
}
