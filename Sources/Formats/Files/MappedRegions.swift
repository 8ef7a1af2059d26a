import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The files that are mapped right now, kept so that a signal handler can name the one whose page cannot be read.
///
/// As with ``TemporaryFiles``, only what is async-signal-safe may happen in the handler: names are C strings in a table of
/// fixed size, written before their range. A handler that still reads a name while its slot gets a new one may see parts of
/// both; it never reads beyond them.
public enum MappedRegions {
    private static let slotCount = 256

    private struct Slot: ~Copyable {
        /// The first address; 0 for a free slot, 1 for one that is being filled.
        let start = Atomic<UInt>(0)
        let end = Atomic<UInt>(0)
    }

    /// Bytes of a slot's name with its NUL; a longer one is not told.
    private static let nameBytes = 4_096

    /// The names of all slots, all zero at first: pages that no name has touched take no memory. The last byte of each stays
    /// zero.
    private nonisolated(unsafe) static let names: UnsafeMutablePointer<CChar>? =
        calloc(slotCount, nameBytes)?.assumingMemoryBound(to: CChar.self)

    /// Never deallocated; all fields are atomic.
    private nonisolated(unsafe) static let slots: UnsafeMutablePointer<Slot> = {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: slotCount)
        for index in 0..<slotCount { (slots + index).initialize(to: Slot()) }
        return slots
    }()

    /// Makes the table; call it before installing a handler that calls ``name(at:)``.
    public static func prepare() { _ = (slots, names) }

    /// The path of the file mapped at an address, as a JSON string with its quotes; nil when none is known.
    /// Async-signal-safe once ``prepare()`` has run.
    public static func name(at address: UInt) -> UnsafePointer<CChar>? {
        for index in 0..<slotCount {
            let start = slots[index].start.load(ordering: .acquiring)
            if start > 1, start <= address, address < slots[index].end.load(ordering: .acquiring) {
                guard let name = names.map({ $0 + index * nameBytes }), name[0] != 0 else { return nil }
                return UnsafePointer(name)
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
            write(text, to: index)
            slots[index].end.store(address + UInt(bytes.count), ordering: .releasing)
            slots[index].start.store(address, ordering: .releasing)
            return index
        }
        return nil
    }

    private static func write(_ text: String, to index: Int) {
        guard let name = names.map({ $0 + index * nameBytes }) else { return }
        let bytes = text.utf8.count < nameBytes ? Array(text.utf8) : []
        for (place, byte) in bytes.enumerated() { name[place] = CChar(bitPattern: byte) }
        name[bytes.count] = 0
    }

    /// Forgets a slot.
    static func release(_ slot: Int?) {
        if let slot { slots[slot].start.store(0, ordering: .releasing) }
    }
}
