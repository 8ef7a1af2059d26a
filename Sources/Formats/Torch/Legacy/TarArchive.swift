/// The members of a tar archive in a mapped file, read in place (`formats.md` §6.2).
struct TarArchive {
    /// The bytes of each regular member, by name.
    let members: [String: Range<Int>]

    private static let block = 512

    /// Reads every header.
    /// - Throws: ``UD2MError`` with code `tar-malformed` for a bad checksum, a member outside the file, a duplicate name,
    ///   or a link.
    init(_ bytes: UnsafeRawBufferPointer, limits: Limits) throws {
        var members: [String: Range<Int>] = [:]
        var position = 0
        while position + Self.block <= bytes.count {
            let header = UnsafeRawBufferPointer(rebasing: bytes[position..<position + Self.block])
            // Zero blocks end an archive.
            if header.allSatisfy({ $0 == 0 }) { break }
            func malformed(_ message: String) -> UD2MError {
                UD2MError(.tarMalformed, message, at: .init(byteOffset: position))
            }
            guard Self.hasChecksum(header) else { throw malformed("A member's header fails its checksum.") }
            guard let size = Self.octal(header[124..<136]) else { throw malformed("A member's size is no number.") }
            let start = position + Self.block
            guard size <= bytes.count - start else {
                throw malformed("A member has \(size) bytes, but the archive ends after \(bytes.count - start).")
            }
            guard members.count < limits.archiveEntries else { throw malformed("The archive has too many members.") }
            switch header[156] {
            case 0, UInt8(ascii: "0"):
                let name = String(decoding: header[..<100].prefix { $0 != 0 }, as: UTF8.self)
                let plain = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
                guard members.updateValue(start..<start + size, forKey: plain) == nil else {
                    throw malformed("Two members have the same name, and readers differ on which one counts.")
                }
            case UInt8(ascii: "1"), UInt8(ascii: "2"):
                throw malformed("A member is a link.")
            default:
                // Folders, and extended headers that say nothing we need.
                break
            }
            position = start + (size + Self.block - 1) / Self.block * Self.block
        }
        self.members = members
    }

    /// Whether bytes start with a tar header: one whose checksum is right.
    static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= block, bytes[0] != 0 else { return false }
        return hasChecksum(UnsafeRawBufferPointer(rebasing: bytes[..<block]))
    }

    private static func hasChecksum(_ header: UnsafeRawBufferPointer) -> Bool {
        guard let claimed = octal(header[148..<156]) else { return false }
        let sum = header.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 0x20 : Int(header[$1])) }
        return sum == claimed
    }

    private static func octal(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
        let digits = field.drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
        guard (1...12).contains(digits.count) else { return nil }
        return digits.reduce(0) { $0 * 8 + Int($1 - 0x30) }
    }
}

extension UD2MError.Code {
    /// A tar archive is malformed, or holds links or duplicate names.
    public static let tarMalformed = Self("tar-malformed", .badData)
}
