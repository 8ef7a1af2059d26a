import UD2MFormats

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Standard input as a file that can be mapped: spooled into a temporary file without a name.
enum StandardInput {
    /// Bytes that are spooled at most.
    static let limit = 64 << 30

    /// Copies standard input to its end and gives a path under which it can be opened while `body` runs.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `input-too-large` or `input-spool`, or what `body` throws.
    static func withPath<Result>(_ body: (String) throws -> Result) throws -> Result {
        let descriptor = NamelessFile.open()
        guard descriptor >= 0 else { throw failure("create a temporary file in \(NamelessFile.folder)", errno) }
        defer { close(descriptor) }
        try copy(to: descriptor)
        return try body("/dev/fd/\(descriptor)")
    }

    private static func copy(to descriptor: Int32) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var total = 0
        while true {
            let count = read(STDIN_FILENO, buffer.baseAddress, buffer.count)
            if count == 0 { return }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("read standard input", errno)
            }
            total += count
            guard total <= limit else {
                throw UD2MError(
                    .inputTooLarge, "Standard input has more than \(ByteText.size(limit)).", at: .init(file: "-"),
                    remedy: "Save it to a file and name that.")
            }
            var done = 0
            while done < count {
                let written = write(descriptor, buffer.baseAddress.map { $0 + done }, count - done)
                if written < 0 {
                    if errno == EINTR { continue }
                    throw failure("write the temporary file", errno)
                }
                done += written
            }
        }
    }

    private static func failure(_ action: String, _ number: Int32) -> UD2MError {
        UD2MError(
            .inputSpool, "Cannot \(action): \(String(cString: strerror(number))).", at: .init(file: "-"),
            remedy: "Standard input is kept in a temporary file: set TMPDIR to a folder with room.")
    }
}

extension UD2MError.Code {
    /// Standard input has no end in sight.
    static let inputTooLarge = UD2MError.Code("input-too-large", .badData)
    /// Standard input could not be kept in a temporary file.
    static let inputSpool = UD2MError.Code("input-spool", .inputOutput)
}
