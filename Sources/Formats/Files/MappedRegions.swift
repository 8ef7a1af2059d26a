import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The files that are mapped right now, kept so that a signal handler can name the one whose page cannot be read.
///
/// As with ``TemporaryFiles``, only what is async-signal-safe may happen in the handler: names are C strings in a fixed
/// table, written before their range and never freed, since a handler on another thread may be reading one.
public enum MappedRegions {
    private static let slotCount = 256

    private struct Slot: ~Copyable {
        /// The first address; 0 for a free slot, 1 for one that is being filled.
        let start = Atomic<UInt>(0)
        let end = Atomic<UInt>(0)
        let name = Atomic<UInt>(0)
    }

    /// Never deallocated; all fields are atomic.
    private nonisolated(unsafe) static let slots: UnsafeMutablePointer<Slot> = {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: slotCount)
        for index in 0..<slotCount { (slots + index).initialize(to: Slot()) }
        return slots
    }()

    /// Makes the table; call it before installing a handler that calls ``name(at:)``.
    public static func prepare() { _ = slots }

    /// The path of the file mapped at an address, as a JSON string with its quotes; nil when none is known.
    /// Async-signal-safe once ``prepare()`` has run.
    public static func name(at address: UInt) -> UnsafePointer<CChar>? {
        for index in 0..<slotCount {
            let start = slots[index].start.load(ordering: .acquiring)
            if start > 1, start <= address, address < slots[index].end.load(ordering: .acquiring) {
                return UnsafePointer(bitPattern: slots[index].name.load(ordering: .acquiring))
            }
        }
        return nil
    }

    /// Registers a mapping; returns its slot, or nil when the table is full.
    static func register(_ bytes: UnsafeRawBufferPointer, path: String) -> Int? {
        guard let base = bytes.baseAddress, let text = try? JSONValue.string(path).canonicalText() else { return nil }
        for index in 0..<slotCount
        where slots[index].start.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing).exchanged {
            let address = UInt(bitPattern: base)
            slots[index].name.store(UInt(bitPattern: strdup(text)), ordering: .releasing)
            slots[index].end.store(address + UInt(bytes.count), ordering: .releasing)
            slots[index].start.store(address, ordering: .releasing)
            return index
        }
        return nil
    }

    /// Forgets a slot.
    static func release(_ slot: Int?) {
        if let slot { slots[slot].start.store(0, ordering: .releasing) }
    }
}
