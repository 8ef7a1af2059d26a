/// Finds a file's kind from its bytes, never from its name (`formats.md` §1).
struct ContainerSniffer {
    /// The kinds that can be opened.
    enum Kind {
        case zip
        case safetensors
        case legacyStream
        case tar
        case npy
        case pickle
        case shardIndex

        /// Whether such files are there for the pickles in them.
        var holdsPickles: Bool {
            switch self {
            case .zip, .legacyStream, .tar, .pickle: true
            case .safetensors, .npy, .shardIndex: false
            }
        }
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
        if let error = failedDownload() ?? torchKind() ?? compressedKind() ?? foreignKind() { throw error }
        if isSafetensorsLength { return .safetensors }
        if PickleRecognition.matches(bytes) { return .pickle }
        guard bytes.count >= 16 else {
            throw UD2MError(
                .containerUnknown, "The file has only \(bytes.count) bytes, too few for any checkpoint.",
                at: .init(byteOffset: 0), remedy: "An incomplete download? Fetch the file again.")
        }
        throw UD2MError(
            .containerUnknown, "The first bytes fit no kind of checkpoint.", at: .init(byteOffset: 0),
            remedy: "Expected a file that torch.save wrote, a safetensors file or a .ud2w store.")
    }

    private var isSafetensors: Bool {
        guard let count = bytes.littleEndian(UInt64.self, at: 0), bytes.hasBytes([0x7B], at: 8) else { return false }
        if count <= UInt64(bytes.count - 8) { return true }
        // A file that ends inside its header is told by the quote of the first name.
        return count <= UInt64(Limits.standard.headerBytes) && (bytes.count == 9 || bytes[9] == UInt8(ascii: "\""))
    }

    /// Whether these few bytes can be the length of a safetensors header and nothing of the header.
    private var isSafetensorsLength: Bool {
        guard (5...8).contains(bytes.count) else { return false }
        return bytes[4...].allSatisfy { $0 == 0 }
    }

    /// A JSON document is small enough to be read whole; only then is it an index of shards.
    private var isShardIndex: Bool {
        guard bytes.count <= 1 << 26, bytes.prefix(64).first(where: { !Self.isSpace($0) }) == UInt8(ascii: "{"),
            let value = try? JSONValue(parsing: bytes)
        else { return false }
        return ShardedCheckpoint.matches(value)
    }

    static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    func has(_ magic: [UInt8]) -> Bool { bytes.hasBytes(magic, at: 0) }

    func hasText(_ text: String) -> Bool { bytes.hasBytes(text.utf8, at: 0) }

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
        return nil
    }
}
