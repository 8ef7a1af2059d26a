/// A safetensors file, mapped and fully validated; no tensor data are read (`formats.md` §8.1).
public final class SafetensorsFile: Sendable {
    /// A tensor of the file.
    public struct Entry: Sendable, Hashable {
        /// The name.
        public let name: TensorName
        /// The type of its elements.
        public let elementType: ElementType
        /// Sizes, outermost first.
        public let shape: [Int]
        /// The bytes of its dense little-endian elements, counted from the start of the file; any alignment.
        public let range: Range<Int>
    }

    /// Something odd that does not make the file unreadable.
    public struct Warning: Sendable, Hashable {
        /// The tensor whose entry is odd.
        public let tensor: TensorName
        /// What is odd, as a sentence.
        public let message: String
    }

    /// The mapping.
    public let file: MappedFile
    /// The tensors in the order of the header.
    public let entries: [Entry]
    /// The text pairs of `__metadata__`.
    public let metadata: [String: String]
    /// The offset of the first data byte.
    public let dataStart: Int
    /// What is odd, at most one item a tensor.
    public let warnings: [Warning]

    /// Opens and validates a file; with `isStrict`, unknown fields of an entry are errors rather than warnings.
    /// - Throws: ``UD2MError`` with a `file-…`, `json-…` or `safetensors-…` code; a byte offset is from the file's start.
    public convenience init(
        path: String, limits: Limits = .standard, isStrict: Bool = false, access: FileAccess = .automatic
    ) throws {
        try self.init(file: MappedFile(path: path, access: access), limits: limits, isStrict: isStrict)
    }

    /// Validates a file that is already mapped.
    /// - Throws: as ``init(path:limits:isStrict:access:)``.
    public init(file: MappedFile, limits: Limits = .standard, isStrict: Bool = false) throws {
        try file.checkUnchanged()
        let header = try Self.headerRange(file, limits: limits)
        var parser = SafetensorsHeaderParser(limits: limits, isStrict: isStrict, dataStart: header.upperBound)
        let text = UnsafeRawBufferPointer(rebasing: file.bytes[header])
        do {
            try parser.parse(text, at: .init(file: file.path), baseOffset: header.lowerBound)
        } catch let error as UD2MError where ZeroTail.reaches(text.count, in: text) {
            throw error.hintingAtZeros()
        }
        try Self.checkCoverage(parser.entries, of: header.upperBound..<file.count, at: .init(file: file.path))
        self.file = file
        self.entries = parser.entries
        self.metadata = parser.metadata
        self.warnings = parser.warnings
        self.dataStart = header.upperBound
    }

    /// Whether the file says that it is a weight store, a `.ud2w` (`formats.md` §12).
    public var isWeightStore: Bool { metadata[StoreMetadata.Key.version] != nil }

    private static func headerRange(_ file: MappedFile, limits: Limits) throws -> Range<Int> {
        func error(_ code: UD2MError.Code, _ message: String, byte: Int, remedy: String? = nil) -> UD2MError {
            UD2MError(code, message, at: .init(file: file.path, byteOffset: byte), remedy: remedy)
        }
        let again = "An incomplete download? Fetch the file again."
        guard file.count >= 8 else {
            throw error(
                .safetensorsTruncated, "The file has \(file.count) bytes; the header's length alone takes 8.",
                byte: file.count, remedy: again)
        }
        let claimed = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
        guard let length = Int(exactly: claimed), length <= limits.headerBytes else {
            throw error(
                .safetensorsHeaderTooLarge,
                "The header claims \(claimed) bytes; at most \(limits.headerBytes) are read.",
                byte: 0)
        }
        guard length <= file.count - 8 else {
            throw error(
                .safetensorsHeaderOutside,
                "The file ends inside its header: \(length) bytes are expected, and \(file.count - 8) found.", byte: 0,
                remedy: again)
        }
        guard length > 0, file.bytes[8] == UInt8(ascii: "{") else {
            throw error(.safetensorsHeaderStart, "The header must start with '{'.", byte: 8)
        }
        return 8..<8 + length
    }

    /// Checks that the tensors' ranges follow each other without holes or overlaps from the first data byte to the last.
    private static func checkCoverage(_ entries: [Entry], of data: Range<Int>, at place: UD2MError.Location) throws {
        // A tensor without bytes sorts before the tensor that begins where it stands.
        let order = entries.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        var end = data.lowerBound
        for entry in order {
            let begin = entry.range.lowerBound
            let location = UD2MError.Location(file: place.file, byteOffset: begin, tensor: entry.name.text)
            guard begin >= end else {
                throw UD2MError(
                    .safetensorsOverlap, "The tensor begins before the previous one ends, at byte \(end).", at: location
                )
            }
            guard begin == end else {
                throw UD2MError(
                    .safetensorsHole, "The \(begin - end) bytes before the tensor belong to no tensor.", at: location)
            }
            guard entry.range.upperBound <= data.upperBound else {
                throw UD2MError(
                    .safetensorsDataOutside,
                    "The tensor ends at byte \(entry.range.upperBound), the file at \(data.upperBound).", at: location,
                    remedy: "An incomplete download? Fetch the file again.")
            }
            end = entry.range.upperBound
        }
        guard end == data.upperBound else {
            throw UD2MError(
                .safetensorsDataTrailing, "The last \(data.upperBound - end) bytes belong to no tensor.",
                at: .init(file: place.file, byteOffset: end))
        }
    }
}
