import UD2MConvert
import UD2MFormats

/// The result of `ud2m-convert convert` (`schemas/convert.schema.json`).
struct ConvertReport: Encodable {
    struct Input: Encodable {
        let path: String
        let container: String
        let bytes: Int
        let state: String
        let prefix: String
        let otherStates: [String]
        /// The paths of tensors outside any state dict.
        let looseTensors: [[String]]
    }

    struct Architecture: Encodable {
        let family: String
        let summary: String
        let parameters: Int
        let evidence: [String]
    }

    struct Tensor: Encodable {
        let name: String
        let dtype: String
        let shape: [Int]
        let bytes: Int
        let offset: Int
    }

    struct Misshapen: Encodable {
        let name: String
        let expected: [Int]
        let found: [Int]
    }

    /// A tensor with numbers that are NaN or infinite in the checkpoint.
    struct NotFinite: Encodable {
        let name: String
        let count: Int
    }

    struct LeftOut: Encodable {
        let tensors: [String]
        let reason: String
    }

    struct Skipped: Encodable {
        let path: [String]
        let reason: String
    }

    struct Finding: Encodable {
        let severity: String
        let global: String
        let message: String
        let entry: String
        let byteOffset: Int
        let opcodeIndex: Int

        /// As ``UD2MFormats/PickleFinding/summary``.
        var summary: String { global.isEmpty ? message : "\(global): \(message)" }
    }

    struct Output: Encodable {
        /// Nil in a dry run without an output path.
        let path: String?
        let bytes: Int
        /// Nil in a dry run, since no data were read.
        let contentID: String?
        let written: Bool
    }

    let tool = "ud2m-convert"
    let version = Version.current
    let input: Input
    let architecture: Architecture
    let tensors: [Tensor]
    let missing: [String]
    /// Those of them that may be missing, as `--allow-missing` says.
    let allowedMissing: [String]
    let misshapen: [Misshapen]
    let unmapped: [String]
    let leftOut: [LeftOut]
    /// The published model that comes closest; nil when file and network agree.
    let closest: ClosestReport?
    let skipped: [Skipped]
    let findings: [Finding]
    let losses: [LossReport]
    /// Empty in a dry run, which reads no data.
    let notFinite: [NotFinite]
    /// Assumptions about the network that a person should look at.
    let notes: [String]
    let output: Output
    let dryRun: Bool
}

extension ConvertReport.Finding {
    init(_ finding: PickleFinding) {
        self.init(
            severity: finding.severity.rawValue, global: finding.global, message: finding.message,
            entry: finding.entry, byteOffset: finding.byteOffset, opcodeIndex: finding.opcodeIndex)
    }
}
