import UD2MFormats

/// The result of `ud2m-convert verify` for one file (`schemas/verify.schema.json`).
struct VerifyReport: Encodable {
    /// How much was compared.
    enum Level: String, Encodable {
        /// The structure only: the file records no checksums, or they were not asked for.
        case structure
        /// Checksums of all data: XXH64 in stores, CRC-32 in archives.
        case checksums
        /// SHA-256 of all data as well.
        case digests
    }

    /// Data that do not match their checksum.
    struct Mismatch: Encodable {
        /// The tensor, in a store.
        let tensor: String?
        /// The record, in an archive.
        let entry: String?
        let check: String
        /// The damaged bytes of the file: from `begin` up to `end`.
        let begin: Int
        let end: Int
    }

    let tool = "ud2m-convert"
    let version = Version.current
    let path: String
    let container: String
    let bytes: Int
    let level: Level
    let ok: Bool
    let contentID: String?
    let mismatches: [Mismatch]
    let remarks: [String]

    /// The report as lines for a person.
    var text: String {
        let level =
            switch level {
            case .structure: "structure"
            case .checksums: "structure and checksums"
            case .digests: "structure, checksums and SHA-256"
            }
        let content = contentID.map { ", content \($0)" } ?? ""
        var lines = [
            "\(path.escapedForDisplay): \(ok ? "ok" : "DAMAGED"), \(container), \(ByteText.size(bytes)), \(level)\(content)"
        ]
        lines += mismatches.map { item in
            let name = item.tensor ?? item.entry ?? ""
            return "  \(name.escapedForDisplay): bytes \(item.begin)–\(item.end) do not match their \(item.check)"
        }
        lines += remarks.map { "  note: \($0.escapedForDisplay)" }
        return lines.joined(separator: "\n")
    }
}
