import UD2MConvert
import UD2MFormats

/// The result of `ud2m-convert diff` (`schemas/diff.schema.json`).
struct DiffReport: Encodable {
    /// One side.
    struct Side: Encodable {
        let path: String
        let container: String
        let state: [String]
        let prefix: String
        let tensors: Int
        /// What else the file holds.
        let skipped: [ConvertReport.Skipped]
        let otherStateDicts: [CheckpointRest.State]
        let looseTensors: [[String]]
    }

    struct TypeDifference: Encodable {
        let name: String
        let a: String
        let b: String
    }

    struct ShapeDifference: Encodable {
        let name: String
        let a: [Int]
        let b: [Int]
    }

    /// What `--structure` compares.
    struct Structure: Encodable {
        let onlyInA: [String]
        let onlyInB: [String]
        let dtypes: [TypeDifference]
        let shapes: [ShapeDifference]
    }

    /// A tensor whose values differ.
    struct ValueDifference: Encodable {
        let name: String
        /// Whether every number is within the tolerance.
        let withinTolerance: Bool
        /// Numbers, and those that differ; nil for types that are compared as bytes only.
        let count: Int?
        let differing: Int?
        let nanMismatches: Int?
        let maxAbs: ReportNumber?
        let relativeL2: ReportNumber?
        let cosine: ReportNumber?

        init(name: TensorName, _ difference: TensorDifference, tolerance: Double) {
            let isNumeric = difference.isNumeric
            self.name = name.text
            withinTolerance = difference.isEqual(tolerance: tolerance)
            count = isNumeric ? difference.count : nil
            differing = isNumeric ? difference.differingCount : nil
            nanMismatches = isNumeric ? difference.nanMismatchCount : nil
            maxAbs = isNumeric ? ReportNumber(difference.maximumDistance) : nil
            relativeL2 = isNumeric ? ReportNumber(difference.relativeL2) : nil
            cosine = isNumeric ? difference.cosine.map { ReportNumber($0) } : nil
        }
    }

    /// What `--values` compares.
    struct Values: Encodable {
        let tolerance: Double
        /// Tensors of one name and shape.
        let compared: Int
        /// Those of one type and the same bytes.
        let identical: Int
        /// The others, worst first: by distance, largest first.
        let different: [ValueDifference]
    }

    let tool = "ud2m-convert"
    let version = Version.current
    let a: Side
    let b: Side
    let equal: Bool
    /// Patterns that match no tensor of either file.
    let unmatchedPatterns: [String]
    let structure: Structure?
    let values: Values?
}

extension DiffReport {
    /// The report as lines for a person.
    var text: String {
        var lines: [String] = []
        if let structure {
            lines += structure.onlyInA.map { "- \($0.escapedForDisplay)" }
            lines += structure.onlyInB.map { "+ \($0.escapedForDisplay)" }
            lines += structure.shapes.map { "~ \($0.name.escapedForDisplay): \($0.a.shapeText) → \($0.b.shapeText)" }
            lines += structure.dtypes.map { "~ \($0.name.escapedForDisplay): \($0.a) → \($0.b)" }
        }
        if let values, !values.different.isEmpty {
            var table = TextTable([.left, .right, .right, .right, .right, .right])
            table.add("", "max abs", "relative L2", "cosine", "differing", "NaN in one")
            for item in values.different {
                table.add(
                    "\(item.withinTolerance ? "≈" : "≠") \(item.name.escapedForDisplay)", item.maxAbs?.text ?? "bytes",
                    item.relativeL2?.text ?? "–", item.cosine?.text ?? "–", item.differing.map(ByteText.grouped) ?? "–",
                    item.nanMismatches.map(ByteText.grouped) ?? "–")
            }
            lines += table.lines
        }
        lines.append(conclusion)
        return lines.joined(separator: "\n")
    }

    private var conclusion: String {
        var parts: [String] = []
        if let structure {
            let count = structure.onlyInA.count + structure.onlyInB.count
            parts.append(
                "\(count) tensors in one file only, \(structure.shapes.count) of another shape, "
                    + "\(structure.dtypes.count) of another type")
        }
        if let values {
            parts.append("\(values.compared) compared, \(values.identical) identical")
        }
        return "\(equal ? "equal" : "different"): \(parts.joined(separator: "; "))"
    }
}
