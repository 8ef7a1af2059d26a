extension ZipEntry {
    /// Reads the local header, checks that it says what the directory says, and finds where the payload lies
    /// (`formats.md` §2.3 rule 6).
    ///
    /// The payload's offset follows from the local header only: PyTorch pads with an extra field that the directory lacks.
    mutating func readLocalHeader(_ bytes: inout ZipWindow, directoryOffset: Int) throws {
        try bytes.load(headerOffset..<headerOffset + 30 + name.count)
        let location = UD2MError.Location(entry: displayName, byteOffset: headerOffset)
        guard bytes.hasBytes([0x50, 0x4B, 0x03, 0x04], at: headerOffset),
            let localFlags = bytes.littleEndian(UInt16.self, at: headerOffset + 6),
            let localMethod = bytes.littleEndian(UInt16.self, at: headerOffset + 8),
            let localCRC = bytes.littleEndian(UInt32.self, at: headerOffset + 14),
            let localCompressed = bytes.littleEndian(UInt32.self, at: headerOffset + 18),
            let localSize = bytes.littleEndian(UInt32.self, at: headerOffset + 22),
            let nameCount = bytes.littleEndian(UInt16.self, at: headerOffset + 26),
            let extraCount = bytes.littleEndian(UInt16.self, at: headerOffset + 28)
        else { throw UD2MError(.zipHeaderMismatch, "There is no local header here.", at: location) }
        let nameStart = headerOffset + 30
        let extraStart = nameStart + Int(nameCount)
        payloadOffset = extraStart + Int(extraCount)
        guard payloadOffset <= directoryOffset, compressedSize <= directoryOffset - payloadOffset else {
            throw UD2MError(
                .zipEntryOutside, "The entry's data run into the central directory.", at: location)
        }
        guard bytes.hasBytes(name, at: nameStart), name.count == Int(nameCount) else {
            throw UD2MError(.zipHeaderMismatch, "The local header has another name.", at: location)
        }
        // Bit 3 says whether a descriptor follows; some writers set it in one of the two headers only.
        guard localMethod == method.rawValue, (localFlags ^ flags) & ~0x0008 == 0 else {
            throw UD2MError(.zipHeaderMismatch, "The local header has another method or other flags.", at: location)
        }
        let isStreamed = hasDescriptor || localFlags & 0x0008 != 0
        var (wideSize, wideCompressed) = (UInt64(localSize), UInt64(localCompressed))
        if localSize == .max || localCompressed == .max {
            try bytes.load(extraStart..<payloadOffset)
            bytes.withBytes(extraStart..<payloadOffset) { extra in
                var wide = Zip64Extra(extra)
                if localSize == .max { wideSize = wide.next() ?? wideSize }
                if localCompressed == .max { wideCompressed = wide.next() ?? wideCompressed }
            }
        }
        guard wideSize == UInt64(size) || (isStreamed && wideSize == 0),
            wideCompressed == UInt64(compressedSize) || (isStreamed && wideCompressed == 0),
            localCRC == crc32 || (isStreamed && localCRC == 0)
        else {
            throw UD2MError(.zipHeaderMismatch, "The local header has other sizes or another checksum.", at: location)
        }
        endOffset = payloadOffset + compressedSize
        if isStreamed {
            try bytes.load(endOffset..<endOffset + 24)
            endOffset += try descriptorSize(bytes, at: endOffset, directoryOffset: directoryOffset)
        }
    }

    /// Bytes of the data descriptor: with or without its optional signature, with 32- or 64-bit sizes.
    private func descriptorSize(_ bytes: ZipWindow, at offset: Int, directoryOffset: Int) throws -> Int {
        for start in [4, 0] {
            if start == 4, !bytes.hasBytes([0x50, 0x4B, 0x07, 0x08], at: offset) { continue }
            guard bytes.littleEndian(UInt32.self, at: offset + start) == crc32 else { continue }
            let sizes = offset + start + 4
            if bytes.littleEndian(UInt64.self, at: sizes) == UInt64(compressedSize),
                bytes.littleEndian(UInt64.self, at: sizes + 8) == UInt64(size), sizes + 16 <= directoryOffset
            {
                return start + 20
            }
            if bytes.littleEndian(UInt32.self, at: sizes).map(Int.init) == compressedSize,
                bytes.littleEndian(UInt32.self, at: sizes + 4).map(Int.init) == size, sizes + 8 <= directoryOffset
            {
                return start + 12
            }
        }
        throw UD2MError(
            .zipDescriptorMismatch, "The data descriptor is missing or contradicts the directory.",
            at: .init(entry: displayName, byteOffset: offset))
    }
}
