/// A zip archive in a mapped file, wholly checked before any payload is read (`formats.md` §2.3).
///
/// Opening costs O(n log n) in the number of entries.
package final class ZipArchive: Sendable {
    /// The mapped file.
    package let file: MappedFile
    /// The archive's bytes: the whole file, or the part of it that a container stores the archive in. All offsets
    /// count from here.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file.bytes[range]) }
    package let range: Range<Int>
    /// The entries in the order of the central directory.
    package let entries: [ZipEntry]
    /// Oddities that change nothing, as sentences.
    package let remarks: [String]
    let limits: Limits
    private let indexByName: [[UInt8]: Int]

    /// Reads and checks the directory and every local header of the archive in `range` of a file, or in all of it.
    /// - Throws: ``UD2MError`` with a `zip-…` code.
    package init(file: MappedFile, range: Range<Int>? = nil, limits: Limits = .standard) throws {
        let range = range ?? 0..<file.count
        guard let bytes = file.bytes.slice(range) else {
            throw UD2MError(
                .fileRangeOutside, "The archive should be at bytes \(range) of a file of \(file.count) bytes.",
                at: .init(file: file.path))
        }
        self.file = file
        self.range = range
        self.limits = limits
        do {
            let end = try ZipEndRecord(bytes)
            var entries = try ZipDirectory(bytes, end: end, limits: limits).entries()
            let gap = try Self.readLocalHeaders(
                of: &entries, ZipWindow(file, archive: range), directoryOffset: end.directoryOffset)
            self.indexByName = try Self.index(entries)
            self.remarks = Self.remarks(entries, gap: gap)
            self.entries = entries
        } catch let error as UD2MError {
            throw error.located(in: .init(file: file.path))
        }
    }

    /// The entry of this name, compared by bytes.
    package func entry(named name: some Sequence<UInt8>) -> ZipEntry? {
        indexByName[Array(name)].map { entries[$0] }
    }

    /// Reads every local header in the order of the file, and refuses overlaps and leading bytes; returns the bytes that
    /// belong to no entry.
    ///
    /// The first overlap ends the reading, so that no more is read than the file has.
    private static func readLocalHeaders(
        of entries: inout [ZipEntry], _ window: ZipWindow, directoryOffset: Int
    ) throws -> Int {
        var window = window
        let order = entries.indices.sorted { entries[$0].headerOffset < entries[$1].headerOffset }
        var end = 0
        var gap = 0
        for index in order {
            try entries[index].readLocalHeader(&window, directoryOffset: directoryOffset)
            let entry = entries[index]
            guard index != order.first || entry.headerOffset == 0 else {
                throw UD2MError(
                    .zipPrefix, "\(entry.headerOffset) bytes precede the first entry.", at: .init(byteOffset: 0),
                    remedy: "The file may be two things at once; get it from a source you trust.")
            }
            guard entry.headerOffset >= end else {
                throw UD2MError(
                    .zipOverlap, "The entry shares bytes with the one before it.",
                    at: .init(entry: entry.displayName, byteOffset: entry.headerOffset))
            }
            gap += entry.headerOffset - end
            end = entry.endOffset
        }
        return gap + directoryOffset - end
    }

    private static func index(_ entries: [ZipEntry]) throws -> [[UInt8]: Int] {
        var indexByName: [[UInt8]: Int] = [:]
        indexByName.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            guard indexByName.updateValue(index, forKey: entry.name) == nil else {
                throw UD2MError(
                    .zipDuplicateName, "Two entries have this name, and readers differ on which one counts.",
                    at: .init(entry: entry.displayName, byteOffset: entry.headerOffset))
            }
        }
        return indexByName
    }

    private static func remarks(_ entries: [ZipEntry], gap: Int) -> [String] {
        var remarks: [String] = []
        if gap > 0 { remarks.append("\(gap) bytes of the archive belong to no entry.") }
        var seen = Set<[UInt8]>(minimumCapacity: entries.count)
        let twins = entries.filter { !seen.insert(asciiLowercased($0.name)).inserted }
        if let twin = twins.first {
            remarks.append("\(twins.count) entries differ from others only in case, such as \(twin.displayName).")
        }
        let unchecked = entries.filter { $0.lacksChecksum }
        if let first = unchecked.first {
            remarks.append(
                "\(unchecked.count) entries record no checksum, such as \(first.displayName): damage would go unnoticed."
            )
        }
        let odd = entries.filter { !$0.hasPlainName }
        if let first = odd.first {
            remarks.append("\(odd.count) entries have names that are no plain paths, such as \(first.displayName).")
        }
        return remarks
    }

    private static func asciiLowercased(_ name: [UInt8]) -> [UInt8] {
        name.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}
