/// Archives and compressed files that merely contain a checkpoint, which must be unpacked first.
enum PackedCheckpoint {
    private static let suffixes = [".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".ud2w", ".npz", ".pt2"]

    /// The refusal that names the checkpoint inside a `kind` of file, such as `"zip archive"`, or nil when none of
    /// `names` looks like one; `command` takes such a file apart.
    static func error(in kind: String, names: some Sequence<String>, unpacking command: String) -> UD2MError? {
        let found = names.filter { name in
            let lowercased = name.lowercased()
            // `__MACOSX/._model.pt` is a shadow that macOS adds.
            return suffixes.contains(where: lowercased.hasSuffix) && !lowercased.contains("/._")
        }
        guard let first = found.first else { return nil }
        let more = found.count > 1 ? " and \(found.count - 1) more" : ""
        return UD2MError(
            .packedCheckpoint, "This \(kind) is no checkpoint itself; it contains one: \(first)\(more).",
            at: .init(entry: first),
            remedy: "Unpack it first (\(command)), then name the file that comes out.")
    }
}

/// The beginning of a gzip file.
struct GzipHeader {
    private let name: String?
    private let payload: UnsafeRawBufferPointer

    /// Bytes of the compressed data that are looked at.
    private static let maximumBytes = 1 << 16

    /// Reads the header; nil when this is no gzip file.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.hasBytes([0x1F, 0x8B], at: 0) else { return nil }
        let flags = bytes.count > 3 ? bytes[3] : 0
        var position = min(10, bytes.count)
        if flags & 4 != 0 { position += 2 + Int(bytes.littleEndian(UInt16.self, at: position) ?? 0) }
        position = min(position, bytes.count)
        var name: String?
        if flags & 8 != 0 {
            let field = bytes[position...].prefix(1_024).prefix { $0 != 0 }
            name = String(decoding: field, as: UTF8.self)
            position = min(field.endIndex + 1, bytes.count)
        }
        self.name = name.flatMap { $0.isEmpty ? nil : $0 }
        payload = UnsafeRawBufferPointer(rebasing: bytes[position...].prefix(Self.maximumBytes))
    }

    /// The refusal, with the name of what is inside where it is told.
    var error: UD2MError {
        var start = [UInt8](repeating: 0, count: 512)
        // A file that goes on is no error here: its beginning is all that is wanted.
        start.withUnsafeMutableBytes { try? inflateRaw(payload, into: $0) }
        let isTar = start.withUnsafeBytes { $0.hasBytes("ustar".utf8, at: 257) || TarArchive.matches($0) }
        let inside = isTar ? String(decoding: start.prefix(100).prefix { $0 != 0 }, as: UTF8.self) : name
        let kind = isTar ? "a tar archive compressed with gzip" : "a file compressed with gzip"
        let contents = inside.map { isTar ? ", whose first entry is \($0)" : ", originally \($0)" } ?? ""
        return UD2MError(
            .gzipFile, "This is \(kind)\(contents).", at: .init(byteOffset: 0),
            remedy: "Unpack it first: \(isTar ? "tar xzf FILE" : "gzip -dc FILE > OUT")")
    }
}
