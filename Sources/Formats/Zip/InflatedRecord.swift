import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A deflated record's bytes, all of them at once.
///
/// Large ones lie in a file without a name, mapped: the system may then write them out instead of running out of memory.
///
/// Safe to share between threads although the compiler cannot see it: the bytes are written before `init` returns.
final class InflatedRecord: @unchecked Sendable {
    /// The bytes, valid while this object lives.
    let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    /// Bytes from which on a record goes to a file.
    private static let fileThreshold = 16 << 20

    /// Inflates a record; its checksum is left to the caller.
    /// - Throws: ``UD2MError`` with a `zip-…` code.
    init(_ entry: ZipEntry, of archive: ZipArchive) throws {
        try archive.checkInflatedSize(of: entry)
        let mapping = entry.size >= Self.fileThreshold ? Self.mapping(of: entry.size) : nil
        // Without a folder for such files, or room in it, memory has to do.
        let buffer =
            mapping ?? UnsafeMutableRawBufferPointer.allocate(byteCount: max(entry.size, 1), alignment: 64)
        let output = UnsafeMutableRawBufferPointer(rebasing: buffer[..<entry.size])
        isMapped = mapping != nil
        bytes = UnsafeRawBufferPointer(output)
        // Should this throw, `deinit` runs: every property has its value.
        try archive.inflate(entry, into: output)
    }

    deinit {
        let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        if isMapped { munmap(start, bytes.count) } else { start?.deallocate() }
    }

    /// Room in a new file that has no name, mapped; nil where that cannot be had.
    private static func mapping(of count: Int) -> UnsafeMutableRawBufferPointer? {
        let descriptor = NamelessFile.open()
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        #if canImport(Darwin)
            guard ftruncate(descriptor, off_t(count)) == 0 else { return nil }
        #else
            // Every block is reserved now: one that is missing later would be a signal and not an error.
            guard posix_fallocate(descriptor, 0, off_t(count)) == 0 else { return nil }
        #endif
        let start = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        return start == MAP_FAILED ? nil : UnsafeMutableRawBufferPointer(start: start, count: count)
    }
}

/// Keeps the record that was inflated last, so that many views of one storage inflate it once; of other records it knows those
/// that someone else holds.
package final class InflatedRecordCache: Sendable {
    private struct Held {
        weak var record: InflatedRecord?
    }

    private struct State {
        var last: InflatedRecord?
        /// By the offset of the record's header.
        var held: [Int: Held] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// The record at `headerOffset`, inflated by `inflate` unless it was the last one or someone holds it.
    func record(headerOffset: Int, inflate: () throws -> InflatedRecord) throws -> InflatedRecord {
        try state.withLock { state in
            if let record = state.held[headerOffset]?.record { return record }
            // Before the next one is inflated, so that no more records than are held exist at a time.
            state.last = nil
            let record = try inflate()
            state.last = record
            state.held = state.held.filter { $0.value.record != nil }
            state.held[headerOffset] = Held(record: record)
            return record
        }
    }
}
