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

    /// A tensor that safetensors lacks the type of.
    struct Retyped: Encodable {
        let name: String
        /// The type as PyTorch calls it.
        let dtype: String
        /// What readers see that do not know `ud2w.quant`.
        let writtenAs: String
        let writtenShape: [Int]

        init(_ tensor: Exporter.Retyped) {
            name = tensor.name.text
            dtype = tensor.type
            writtenAs = tensor.elementType.rawValue
            writtenShape = tensor.shape
        }
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
    /// Tensors that other readers will see as another type.
    let retyped: [Retyped]
    /// Sparse tensors of which the parts are written, each as a tensor of its own.
    let sparseParts: [SparseReport]
    /// Patterns that match no tensor.
    let unmatchedPatterns: [String]
    /// What else the file holds.
    let skipped: [ConvertReport.Skipped]
    let otherStateDicts: [CheckpointRest.State]
    let looseTensors: [[String]]
    /// Oddities of the file that change nothing.
    let remarks: [String]
    let dryRun: Bool
    let written: Bool

    /// Says on standard error which tensors other readers will not see as what they are.
    func warnOfTypes() {
        guard let first = retyped.first else { return }
        let more = retyped.count > 1 ? ", and \(retyped.count - 1) more" : ""
        StandardError.print(
            "warning: safetensors has no type for some tensors; only this toolkit reads them back as they are: "
                + "\(first.name.escapedForDisplay) (\(first.dtype), written as \(first.writtenAs) of "
                + "\(first.writtenShape.shapeText))\(more). A .pt file keeps them for PyTorch.")
    }

    /// Says on standard error which sparse tensors other readers will see as several.
    func noteSparseParts() {
        let remedy =
            format == Exporter.Format.pt.rawValue
            ? "--densify writes them whole." : "--densify writes them whole, and a .pt file holds them as they are."
        guard let note = sparseParts.partsNote(remedy: remedy) else { return }
        StandardError.print("note: \(note)")
    }

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
