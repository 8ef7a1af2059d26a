/// A byte range of a mapped file as a tensor storage.
public final class MappedStorage: TensorStorage {
    /// The storage's key in its file: a record's name, or a tensor's.
    public let key: String
    /// Whether multi-byte elements are stored big-endian.
    public let isBigEndian: Bool
    private let file: MappedFile
    private let range: Range<Int>

    /// Bytes in the storage.
    public var byteCount: Int { range.count }

    /// Creates a storage over `range` of the file's bytes.
    /// - Throws: ``UD2MError`` with code `file-range-outside` when the range is not inside the file.
    public init(file: MappedFile, range: Range<Int>, key: String, isBigEndian: Bool = false) throws {
        guard range.lowerBound >= 0, range.upperBound <= file.count else {
            throw UD2MError(
                .fileRangeOutside, "The data end at byte \(range.upperBound), but the file has \(file.count) bytes.",
                at: .init(file: file.path, byteOffset: range.lowerBound))
        }
        self.file = file
        self.range = range
        self.key = key
        self.isBigEndian = isBigEndian
    }

    /// Gives the bytes of the mapping itself.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try withExtendedLifetime(file) {
            let result = try body(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
            // A file cut short meanwhile reads as zeros to the end of its last page, without any signal.
            try file.checkUnchanged()
            return result
        }
    }

    /// Streams a part of the storage, read or mapped as the file is.
    public func stream(
        _ part: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard part.upperBound <= range.count else { throw TensorSource.outsideStorage }
        let start = range.lowerBound
        try file.stream(
            start + part.lowerBound..<start + part.upperBound, pieceBytes: pieceBytes, body)
    }
}
