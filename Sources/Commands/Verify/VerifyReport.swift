import UD2MFormats

/// The result of `ud2m-convert verify` for one checkpoint (`schemas/verify.schema.json`).
struct VerifyReport: Encodable {
    /// How much was compared.
    enum Level: String, Encodable, Comparable {
        /// The structure only: the file records no checksums, or they were not asked for.
        case structure
        /// Checksums of all data: XXH64 in stores, CRC-32 in archives.
        case checksums
        /// SHA-256 of all data as well.
        case digests

        /// Orders by how much was compared.
        static func < (lhs: Level, rhs: Level) -> Bool {
            let order: [Level] = [.structure, .checksums, .digests]
            return (order.firstIndex(of: lhs) ?? 0) < (order.firstIndex(of: rhs) ?? 0)
        }
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

        fileprivate var text: String {
            "\((tensor ?? entry ?? "").escapedForDisplay): bytes \(begin)–\(end) do not match their \(check)"
        }
    }

    /// A file of a checkpoint that lies in several.
    struct File: Encodable {
        let path: String
        /// Nil for a file that could not be checked; `error` says why.
        let container: String?
        let bytes: Int?
        let ok: Bool
        let mismatches: [Mismatch]
        let error: ErrorReport.Body?
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
    /// The files of a checkpoint that lies in several; nil for one file.
    var files: [File]?
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
        lines += mismatches.map { "  \($0.text)" }
        for file in files ?? [] {
            let size = file.bytes.map { ", \(ByteText.size($0))" } ?? ""
            lines.append("  \(file.path.escapedForDisplay): \(file.ok ? "ok" : "DAMAGED")\(size)")
            lines += file.mismatches.map { "    \($0.text)" }
            if let error = file.error { lines.append("    \(error.message.escapedForDisplay) [\(error.code)]") }
        }
        lines += remarks.map { "  note: \($0.escapedForDisplay)" }
        return lines.joined(separator: "\n")
    }
}
