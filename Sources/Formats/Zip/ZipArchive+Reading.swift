extension ZipArchive {
    /// A small record's bytes, inflated when need be, with its checksum verified.
    /// - Throws: ``UD2MError`` with a `zip-…` code.
    package func contents(of entry: ZipEntry, maximumBytes: Int, allowMissingCRC: Bool = false) throws -> [UInt8] {
        let location = UD2MError.Location(file: file.path, entry: entry.displayName)
        // Tiny records may compress beyond any ratio; a mebibyte harms nobody.
        let allowed = max(entry.compressedSize.multipliedOrMaximum(limits.inflateRatio), 1 << 20)
        guard entry.size <= maximumBytes, entry.method == .stored || entry.size <= allowed else {
            throw UD2MError(
                .zipBomb, "The entry holds \(entry.size) bytes, more than the limits allow.", at: location)
        }
        let bytes = try inflatedBytes(of: entry)
        try bytes.withUnsafeBytes { try verifyChecksum($0, of: entry, allowMissingCRC: allowMissingCRC) }
        return bytes
    }

    /// Reads an entry's bytes and compares them with its checksum; stored ones are not copied.
    /// - Throws: ``UD2MError`` with code `zip-checksum` or `zip-inflate-failed` for damage.
    package func verify(_ entry: ZipEntry, allowMissingCRC: Bool = false) throws {
        switch entry.method {
        case .stored:
            var checksum = CRC32()
            try stream(entry, 0..<entry.size, pieceBytes: 1 << 20) { checksum.update($0) }
            try compareChecksum(checksum, of: entry, allowMissingCRC: allowMissingCRC)
        case .deflated:
            try streamInflated(entry, pieceBytes: 1 << 20, allowMissingCRC: allowMissingCRC) { _ in }
        }
    }

    /// Gives a deflated entry's bytes in order, in one pass; its checksum is compared after the last piece.
    func streamInflated(
        _ entry: ZipEntry, pieceBytes: Int, allowMissingCRC: Bool, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let payload = try payload(of: entry)
        try checkInflatedSize(of: entry)
        var checksum = CRC32()
        try explainingInflation(of: entry) {
            try inflateRaw(payload, count: entry.size, pieceBytes: pieceBytes) { piece in
                checksum.update(piece)
                try body(piece)
            }
        }
        try compareChecksum(checksum, of: entry, allowMissingCRC: allowMissingCRC)
    }

    /// Inflates a deflated entry into `output`, unverified.
    func inflate(_ entry: ZipEntry, into output: UnsafeMutableRawBufferPointer) throws {
        let payload = try payload(of: entry)
        try explainingInflation(of: entry) { try inflateRaw(payload, into: output) }
    }

    /// Gives a part of a stored entry's payload in order, read or mapped as the file is.
    func stream(
        _ entry: ZipEntry, _ part: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        _ = try payload(of: entry)
        let start = range.lowerBound + entry.payloadOffset
        try file.stream(start + part.lowerBound..<start + part.upperBound, pieceBytes: pieceBytes, body)
    }

    /// A deflated or stored entry's bytes, unverified.
    func inflatedBytes(of entry: ZipEntry) throws -> [UInt8] {
        let payload = try payload(of: entry)
        switch entry.method {
        case .stored:
            return Array(payload)
        case .deflated:
            try checkInflatedSize(of: entry)
            return try explainingInflation(of: entry) { try inflateRaw(payload, count: entry.size) }
        }
    }

    /// The first `count` bytes of a deflated entry, or all of a smaller one, unverified.
    func inflatedStart(of entry: ZipEntry, count: Int) throws -> [UInt8] {
        try checkInflatedSize(of: entry)
        let payload = try payload(of: entry)
        return try explainingInflation(of: entry) { try inflateStart(payload, count: min(count, entry.size)) }
    }

    /// Says of which entry a deflate stream is wrong, and how.
    private func explainingInflation<Result>(of entry: ZipEntry, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as InflateFailure {
            let reason =
                switch failure {
                case .tooLong: "inflates to more than the \(entry.size) bytes it declares"
                case .tooShort: "inflates to fewer than the \(entry.size) bytes it declares"
                case .trailingInput: "has bytes after its deflate stream"
                case .malformed: "is not a valid deflate stream"
                }
            throw UD2MError(
                .zipInflateFailed, "The entry \(reason).",
                at: .init(file: file.path, entry: entry.displayName, byteOffset: entry.payloadOffset),
                remedy: "The file is damaged or made to mislead: fetch it again from a source you trust.")
        }
    }

    /// Refuses a declared size that the limits, or deflate itself, cannot reach.
    func checkInflatedSize(of entry: ZipEntry) throws {
        // Deflate yields at most 1032 bytes for one.
        let possible = entry.compressedSize.multipliedOrMaximum(1_032)
        let allowed = max(entry.compressedSize.multipliedOrMaximum(limits.inflateRatio), limits.inflatedRecordBytes)
        guard entry.size <= min(possible, allowed) else {
            throw UD2MError(
                .zipBomb, "\(entry.compressedSize) bytes are said to inflate to \(entry.size).",
                at: .init(file: file.path, entry: entry.displayName, byteOffset: entry.payloadOffset))
        }
    }

    /// The payload as it lies in the mapping.
    func payload(of entry: ZipEntry) throws -> UnsafeRawBufferPointer {
        guard let payload = bytes.slice(entry.payloadRange) else {
            throw UD2MError(
                .zipEntryOutside, "The entry's data are not in the file.",
                at: .init(file: file.path, entry: entry.displayName, byteOffset: entry.payloadOffset))
        }
        return payload
    }

    /// Checks bytes against the entry's checksum.
    ///
    /// Some writers record none, that is zero; `allowMissingCRC` lets those pass.
    func verifyChecksum(_ bytes: UnsafeRawBufferPointer, of entry: ZipEntry, allowMissingCRC: Bool) throws {
        var checksum = CRC32()
        checksum.update(bytes)
        try compareChecksum(checksum, of: entry, allowMissingCRC: allowMissingCRC)
    }

    /// Compares a checksum that is complete with the entry's.
    func compareChecksum(_ checksum: CRC32, of entry: ZipEntry, allowMissingCRC: Bool) throws {
        guard checksum.value != entry.crc32 else { return }
        if allowMissingCRC && entry.crc32 == 0 { return }
        let remedy =
            entry.crc32 == 0
            ? "The checksum is zero: the writer may have recorded none. Pass --allow-missing-crc to read it anyway."
            : "The file is damaged: fetch it again."
        throw UD2MError(
            .zipChecksum, "The entry's bytes do not match its CRC-32.",
            at: .init(file: file.path, entry: entry.displayName, byteOffset: entry.payloadOffset), remedy: remedy)
    }
}
