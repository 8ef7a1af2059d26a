/// Finds a file's kind from its bytes, never from its name (`formats.md` §1).
struct ContainerSniffer {
    /// The kinds that can be opened.
    enum Kind {
        case zip
        case safetensors
        case legacyStream
        case tar
        case npy
        case shardIndex
    }

    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The container's kind.
    /// - Throws: ``UD2MError`` that names the kind and says what to do, for everything that cannot be opened.
    func kind() throws -> Kind {
        guard !bytes.isEmpty else {
            throw UD2MError(
                .fileEmpty, "The file is empty.", at: .init(byteOffset: 0),
                remedy: "The download or copy failed: fetch the file again.")
        }
        if has([0x50, 0x4B, 0x03, 0x04]) { return .zip }
        if isSafetensors { return .safetensors }
        if LegacyStreamCheckpoint.matches(bytes) { return .legacyStream }
        if has([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) { return .npy }
        if bytes.hasBytes("ustar".utf8, at: 257) || TarArchive.matches(bytes) { return .tar }
        if isShardIndex { return .shardIndex }
        throw try failedDownload() ?? torchKind() ?? compressedKind() ?? foreignKind()
            ?? UD2MError(
                .containerUnknown, "The first bytes fit no kind of checkpoint.", at: .init(byteOffset: 0),
                remedy: "Expected a file that torch.save wrote, a safetensors file or a .ud2w store.")
    }

    private var isSafetensors: Bool {
        guard let count = bytes.littleEndian(UInt64.self, at: 0), bytes.hasBytes([0x7B], at: 8) else { return false }
        return count <= UInt64(bytes.count - 8)
    }

    /// A JSON document is small enough to be read whole; only then is it an index of shards.
    private var isShardIndex: Bool {
        guard bytes.count <= 1 << 26, bytes.prefix(64).first(where: { !Self.isSpace($0) }) == UInt8(ascii: "{"),
            let value = try? JSONValue(parsing: bytes)
        else { return false }
        return ShardedCheckpoint.matches(value)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    func has(_ magic: [UInt8]) -> Bool { bytes.hasBytes(magic, at: 0) }

    func hasText(_ text: String) -> Bool { bytes.hasBytes(text.utf8, at: 0) }

    /// Pointers, web pages, messages and zeros that were saved under a checkpoint's name.
    private func failedDownload() throws -> UD2MError? {
        if hasText("version https://git-lfs") { return GitLFSPointer(bytes).error }
        let start = Array(
            bytes.prefix(4_096).drop { [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }.prefix(64))
        let lowercased = String(decoding: start, as: UTF8.self).lowercased()
        if lowercased.hasPrefix("<") {
            return UD2MError(
                .htmlPage, "This is a web page, such as a login, quota or virus-scan page, and no checkpoint.",
                at: .init(byteOffset: 0), remedy: "Open the download link in a browser to see what it asks for.")
        }
        if lowercased.hasPrefix("{\"error") || lowercased.hasPrefix("entry not found")
            || lowercased.hasPrefix("not found") || lowercased.hasPrefix("access to model")
        {
            return UD2MError(
                .serverMessage, "This is a server's error message: \(String(decoding: start, as: UTF8.self))",
                at: .init(byteOffset: 0), remedy: "Check the link and your access rights, then fetch the file again.")
        }
        if bytes[0] == 0, bytes.allSatisfy({ $0 == 0 }) {
            return UD2MError(
                .fileAllZero, "All \(bytes.count) bytes are zero.", at: .init(byteOffset: 0),
                remedy: "The download was preallocated and never filled: fetch the file again.")
        }
        return nil
    }

    /// Other files of PyTorch, and archives of no use.
    private func torchKind() -> UD2MError? {
        let resave = "Load it in PyTorch and save it again with torch.save, or as safetensors."
        func error(_ code: UD2MError.Code, _ kind: String, remedy: String) -> UD2MError {
            UD2MError(code, "This is \(kind).", at: .init(byteOffset: 0), remedy: remedy)
        }
        if has([0x50, 0x4B, 0x05, 0x06]) {
            return error(.zipEmpty, "an empty zip archive", remedy: "Fetch the file again.")
        }
        if has([0x50, 0x4B, 0x07, 0x08]) {
            return error(.zipSpanned, "one part of a spanned zip archive", remedy: "Join the parts first.")
        }
        if hasText("PYTORCH1") {
            return error(.torchPreview, "a PyTorch preview format of 2019, which is not read", remedy: resave)
        }
        guard bytes[0] == 0x80, bytes.count > 2, bytes[1] <= 5 else { return nil }
        return error(.barePickle, "a bare pickle, not a PyTorch container", remedy: resave)
    }
}

/// A text file that stands for a large one in a git repository.
private struct GitLFSPointer {
    let error: UD2MError

    init(_ bytes: UnsafeRawBufferPointer) {
        let lines = String(decoding: bytes.prefix(1_024), as: UTF8.self).split(separator: "\n")
        func value(_ key: String) -> String {
            lines.first { $0.hasPrefix(key + " ") }.map { String($0.dropFirst(key.count + 1).prefix(80)) } ?? "unknown"
        }
        error = UD2MError(
            .gitLFSPointer,
            "This is a git-lfs pointer to a file of \(value("size")) bytes (\(value("oid"))), not the file itself.",
            at: .init(byteOffset: 0), remedy: "Run `git lfs pull` in the repository it came from.")
    }
}
