import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What to say when a mapped file was cut short by another process, prepared before it happens: the handler of SIGBUS
/// may not allocate.
struct ShrunkFileNotice {
    /// The text up to the file's name, from there on, and the text to use when the file is not known.
    private let before: StaticText
    private let after: StaticText
    private let nameless: StaticText

    /// Bytes that live as long as the process.
    private struct StaticText {
        let bytes: UnsafeRawBufferPointer

        init(_ text: Substring) {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
            copy.copyBytes(from: text.utf8)
            bytes = UnsafeRawBufferPointer(copy)
        }

        func print() { _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }

    /// Prepares the notice, as JSON (`schemas/error.schema.json`) or as a line for a person.
    init(asJSON: Bool) {
        let placeholder = "@file@"
        func text(_ file: String?) -> String {
            let error = UD2MError(
                .fileChanged, "The file was cut short by another process while it was being read.",
                at: .init(file: file), remedy: "Try again when it is complete.")
            return (asJSON ? ErrorReport(error).text : "error: \(error)") + "\n"
        }
        let named = text(placeholder)
        // In JSON the name comes with its quotes.
        let marks = asJSON ? "\"\(placeholder)\"" : placeholder
        let start = named.utf8.indices.first { named[$0...].hasPrefix(marks) } ?? named.endIndex
        let end = named.index(start, offsetBy: marks.count, limitedBy: named.endIndex) ?? named.endIndex
        before = StaticText(named[..<start])
        after = StaticText(named[end...])
        nameless = StaticText(text(nil)[...])
    }

    /// Prints the notice to standard error. Async-signal-safe.
    /// - Parameter address: What could not be read.
    func print(address: UInt) {
        guard let name = MappedRegions.name(at: address) else { return nameless.print() }
        before.print()
        _ = write(STDERR_FILENO, name, strlen(name))
        after.print()
    }
}
