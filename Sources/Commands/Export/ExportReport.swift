import UD2MConvert
import UD2MFormats

/// The result of `ud2m-convert export` and `cast` (`schemas/export.schema.json`).
struct ExportReport: Encodable {
    struct Input: Encodable {
        let path: String
        let container: String
        let state: [String]
        let prefix: String
    }

    struct Tensor: Encodable {
        let name: String
        let dtype: String
        let shape: [Int]
        let bytes: Int
    }

    struct File: Encodable {
        let path: String
        let bytes: Int
    }

    struct Kept: Encodable {
        let reason: String
        let count: Int
        let tensors: [String]
    }

    let tool = "ud2m-convert"
    let version = Version.current
    let input: Input
    let format: String
    let tensors: [Tensor]
    /// Names that share another tensor's data in the file.
    let aliases: [String: String]
    let files: [File]
    /// Shards of an earlier set that went.
    let removed: [String]
    /// Nil for formats that have none, and in a dry run.
    let contentID: String?
    /// Tensors that a change of types left as they are.
    let kept: [Kept]
    let losses: [LossReport]
    /// Patterns that match no tensor.
    let unmatchedPatterns: [String]
    /// What else the file holds.
    let skipped: [ConvertReport.Skipped]
    let otherStateDicts: [CheckpointRest.State]
    let looseTensors: [[String]]
    let dryRun: Bool
    let written: Bool

    /// The report as lines for a person.
    var text: String {
        let prefix = input.prefix.isEmpty ? "" : ", without its prefix \(input.prefix.escapedForDisplay)"
        let state = input.state.isEmpty ? "(root)" : input.state.joined(separator: ".").escapedForDisplay
        var lines = [
            "\(input.path.escapedForDisplay): \(input.container), state dict \(state)\(prefix), \(tensors.count) tensors"
        ]
        if !aliases.isEmpty { lines.append("  \(aliases.count) further names share their data") }
        if !kept.isEmpty {
            let reasons = kept.map { "\($0.reason) (\($0.count))" }.joined(separator: ", ")
            lines.append("  tensors left as they are: \(reasons)")
        }
        lines += files.map {
            "\(written ? "wrote" : "would write") \($0.path.escapedForDisplay), \(ByteText.size($0.bytes))"
        }
        lines += removed.map { "\(written ? "removed" : "would remove") \($0.escapedForDisplay), of an earlier set" }
        if let contentID { lines.append("content \(contentID)") }
        return lines.joined(separator: "\n")
    }
}
