/// A small part of an archive, read rather than mapped.
///
/// Local headers lie a payload apart: touching each through the mapping costs a page fault, which takes several times as
/// long as reading it, or reads far more than a header from a slow disk.
struct ZipWindow {
    /// Bytes that one read asks for: a header, its padding, and the descriptor before it where there is one.
    private static let readBytes = 1 << 10

    private let file: MappedFile
    private let archive: Range<Int>
    private var bytes: [UInt8] = []
    /// What of the archive ``bytes`` holds.
    private var held = 0..<0

    /// A window on the archive in a range of a file; all offsets count from there.
    init(_ file: MappedFile, archive: Range<Int>) {
        self.file = file
        self.archive = archive
    }

    /// Makes sure that the bytes of a range are held, as far as the archive has them.
    /// - Throws: ``UD2MError`` with code `file-changed` or `file-read-failed`.
    mutating func load(_ wanted: Range<Int>) throws {
        let wanted = wanted.clamped(to: 0..<archive.count)
        if held.lowerBound <= wanted.lowerBound, wanted.upperBound <= held.upperBound { return }
        let end = min(archive.count, max(wanted.upperBound, wanted.lowerBound + Self.readBytes))
        held = wanted.lowerBound..<end
        bytes = try file.read(archive.lowerBound + held.lowerBound..<archive.lowerBound + held.upperBound)
    }

    /// The little-endian integer at an offset of the archive, or nil when it is not held.
    func littleEndian<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value? {
        bytes.withUnsafeBytes { $0.littleEndian(type, at: offset - held.lowerBound) }
    }

    /// Whether `pattern` is held at an offset of the archive.
    func hasBytes(_ pattern: some Collection<UInt8>, at offset: Int) -> Bool {
        bytes.withUnsafeBytes { $0.hasBytes(pattern, at: offset - held.lowerBound) }
    }

    /// Gives the bytes of a range, which must be held, and nothing for any other.
    func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { bytes in
            let start = held.lowerBound
            let inside = range.lowerBound >= start && range.upperBound <= held.upperBound
            let part = inside ? bytes.slice(range.lowerBound - start..<range.upperBound - start) : nil
            return body(part ?? UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }
}
