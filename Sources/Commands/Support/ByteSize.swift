import ArgumentParser

/// A number of bytes as people write it: `2GB`, `500MB`, `64MiB`, `1000000`.
struct ByteSize {
    /// What can be written, for messages.
    static let accepted = "a whole number above 0, alone or with kB, MB, GB, TB, KiB, MiB, GiB or TiB"

    private static let units: [(String, Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("kB", 1_000), ("KB", 1_000),
        ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ]

    let bytes: Int

    /// Reads the value of an option.
    /// - Throws: What is accepted, for anything else.
    static func parse(_ argument: String) throws -> ByteSize {
        guard let size = ByteSize(argument) else { throw ValidationError("expected \(accepted), such as 2GB.") }
        return size
    }

    /// Reads a size, or gives nil where there is none.
    init?(_ argument: String) {
        let unit = Self.units.first { argument.hasSuffix($0.0) }
        guard let number = Int(argument.dropLast(unit?.0.count ?? 0)), number > 0 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
        guard !overflow else { return nil }
        self.bytes = bytes
    }
}
