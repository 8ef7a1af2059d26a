/// Finds a file's kind from its bytes, never from its name (`formats.md` §1).
struct ContainerSniffer {
    /// The kinds that can be opened.
    enum Kind {
        case zip
        case safetensors
    }

    private let bytes: UnsafeRawBufferPointer

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
        throw try failedDownload() ?? torchKind() ?? otherKind()
            ?? UD2MError(
                .containerUnknown, "The first bytes fit no kind of checkpoint.", at: .init(byteOffset: 0),
                remedy: "Expected a torch.save zip archive, a safetensors file or a .ud2w store.")
    }

    private var isSafetensors: Bool {
        guard let count = bytes.littleEndian(UInt64.self, at: 0), bytes.hasBytes([0x7B], at: 8) else { return false }
        return count <= UInt64(bytes.count - 8)
    }

    private func has(_ magic: [UInt8]) -> Bool { bytes.hasBytes(magic, at: 0) }

    private func hasText(_ text: String) -> Bool { bytes.hasBytes(text.utf8, at: 0) }

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

    /// Other containers of PyTorch.
    private func torchKind() -> UD2MError? {
        let resave = "Load it in PyTorch and save it again with torch.save, or as safetensors."
        func unsupported(_ kind: String) -> UD2MError {
            UD2MError(
                .containerUnsupported, "This is \(kind), which is not read yet.", at: .init(byteOffset: 0),
                remedy: resave)
        }
        if has([0x50, 0x4B, 0x05, 0x06]) { return unsupported("an empty zip archive") }
        if has([0x50, 0x4B, 0x07, 0x08]) { return unsupported("one part of a spanned zip archive") }
        if hasText("PYTORCH1") { return unsupported("a PyTorch preview format of 2019") }
        if isLegacyStream { return unsupported("a legacy torch stream (PyTorch before 1.6)") }
        if bytes.hasBytes("ustar".utf8, at: 257) || hasOldTarHeader { return unsupported("a tar archive") }
        guard bytes[0] == 0x80, bytes.count > 2, bytes[1] <= 5 else { return nil }
        return UD2MError(
            .barePickle, "This is a bare pickle, not a PyTorch container.", at: .init(byteOffset: 0), remedy: resave)
    }

    /// PROTO, perhaps FRAME, then LONG1 with the magic number and STOP.
    private var isLegacyStream: Bool {
        guard bytes[0] == 0x80, bytes.count > 2, (2...5).contains(bytes[1]) else { return false }
        let start = bytes[2] == 0x95 ? 11 : 2
        return bytes.hasBytes(
            [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19], at: start)
    }

    /// A v7 tar header carries only a checksum of itself, in octal.
    private var hasOldTarHeader: Bool {
        guard bytes.count >= 512, bytes[0] != 0 else { return false }
        let field = bytes[148..<156].drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
        guard !field.isEmpty, let claimed = Int(String(decoding: field, as: UTF8.self), radix: 8) else { return false }
        let sum = bytes[..<512].enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element))
        }
        return sum == claimed
    }

    /// Files of other tools.
    private func otherKind() -> UD2MError? {
        let compressed: [([UInt8], String)] = [
            ([0x1F, 0x8B], "gzip"), ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "7-Zip"),
            ([0x28, 0xB5, 0x2F, 0xFD], "zstd"),
            ([0x42, 0x5A, 0x68], "bzip2"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz"), ([0x52, 0x61, 0x72, 0x21], "RAR"),
        ]
        for (magic, name) in compressed where has(magic) {
            return UD2MError(
                .compressedFile, "This file is compressed with \(name).", at: .init(byteOffset: 0),
                remedy: "Decompress it first.")
        }
        let foreign: [([UInt8], String)] = [
            ([0x47, 0x47, 0x55, 0x46], "a GGUF model"), ([0x89, 0x48, 0x44, 0x46], "an HDF5 (Keras) model"),
            ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59], "a NumPy array"), ([0x08], "an ONNX model, perhaps"),
        ]
        for (magic, name) in foreign where has(magic) && (magic != [0x08] || isProbablyONNX) {
            return UD2MError(
                .foreignFormat, "This is \(name), not a PyTorch or safetensors checkpoint.", at: .init(byteOffset: 0),
                remedy: "Look for the PyTorch or safetensors version of the model.")
        }
        if bytes.hasBytes("TFL3".utf8, at: 4) {
            return UD2MError(
                .foreignFormat, "This is a TensorFlow Lite model.", at: .init(byteOffset: 0),
                remedy: "Look for the PyTorch or safetensors version of the model.")
        }
        return nil
    }

    /// ir_version as field 1, then producer_name (field 2) or another length-delimited field of ModelProto.
    private var isProbablyONNX: Bool {
        guard bytes.count > 3, (1...32).contains(bytes[1]) else { return false }
        return [0x12, 0x1A, 0x22, 0x2A, 0x32, 0x3A, 0x42].contains(bytes[2])
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
