#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes machine-readable results to standard output.
enum JSONOutput {
    /// Prints a value as one JSON object with sorted keys.
    static func print(_ value: some Encodable) throws {
        try StandardOutput.write(encode(value) + Data("\n".utf8))
    }

    /// The JSON text: sorted keys, indented, so that the same result is the same bytes.
    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }
}
