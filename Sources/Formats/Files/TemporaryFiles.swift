import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The temporary files, and new folders for them, that exist right now, kept so that a signal handler can remove them.
///
/// A handler may only do what is async-signal-safe: no allocation, no locks, no Swift runtime calls that do either. So
/// the paths are C strings in a fixed table of atomic pointers. A string is never freed, because a handler on another
/// thread may be reading it; a process writes few files, and a path is short.
public enum TemporaryFiles {
    private static let slotCount = 64

    /// Never written after initialisation and never deallocated; the slots themselves are atomic.
    private nonisolated(unsafe) static let slots: UnsafeMutablePointer<Atomic<UInt>> = {
        let slots = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: slotCount)
        for index in 0..<slotCount { (slots + index).initialize(to: Atomic(0)) }
        return slots
    }()

    /// Makes the table; call it before installing a handler that calls ``unlinkAll()``.
    public static func prepare() { _ = slots }

    /// Removes every registered file, then every registered folder that is empty. Async-signal-safe once ``prepare()``
    /// has run.
    public static func unlinkAll() {
        forEachPath { unlink($0) }
        forEachPath { rmdir($0) }
    }

    private static func forEachPath(_ remove: (UnsafePointer<CChar>) -> Int32) {
        for index in 0..<slotCount {
            let address = slots[index].load(ordering: .acquiring)
            if let path = UnsafePointer<CChar>(bitPattern: address) { _ = remove(path) }
        }
    }

    /// The registered paths.
    package static var paths: [String] {
        (0..<slotCount).compactMap { index in
            UnsafePointer<CChar>(bitPattern: slots[index].load(ordering: .acquiring)).map { String(cString: $0) }
        }
    }

    /// Registers a path; returns its slot, or nil when the table is full.
    static func register(_ path: String) -> Int? {
        guard let copy = strdup(path) else { return nil }
        let address = UInt(bitPattern: copy)
        for index in 0..<slotCount
        where slots[index].compareExchange(expected: 0, desired: address, ordering: .acquiringAndReleasing).exchanged {
            return index
        }
        free(copy)
        return nil
    }

    /// Forgets a slot.
    static func release(_ slot: Int?) {
        if let slot { slots[slot].store(0, ordering: .releasing) }
    }
}
