import UD2MConvert
import UD2MFormats

/// The result of `ud2m-convert inspect` for one file (`schemas/inspect.schema.json`).
struct InspectReport: Encodable {
    /// A state dict of the file.
    struct State: Encodable {
        let path: [String]
        let totals: TensorTotals
    }

    /// The state dict that tools work on unless told otherwise.
    struct Selection: Encodable {
        let path: [String]
        /// What was taken off every name.
        let prefix: String
        let totals: TensorTotals
        /// Whether others are as plausible, so that commands that work on one ask for `--select`.
        let isOpen: Bool
        /// What `--select` takes for each of those; empty when the choice is clear.
        let candidates: [CandidateReport]

        init(_ selection: StateDictSelection) {
            path = selection.stateDict.path
            prefix = selection.prefix
            totals = TensorTotals(selection.tensors)
            if case .open(let error) = selection.choice {
                isOpen = true
                candidates = error.candidates.map { CandidateReport($0) }
            } else {
                isOpen = false
                candidates = []
            }
        }
    }

    /// A tensor of the file.
    struct Tensor: Encodable {
        let path: [String]
        /// The name after selection; nil outside the selected state dict.
        let name: String?
        let dtype: String
        let shape: [Int]
        let bytes: Int
        /// SHA-256 of the dense little-endian bytes; nil unless asked for, or when the tensor is among the skipped.
        let sha256: String?
        /// The path of an earlier tensor of the list whose very bytes these are.
        let tiedTo: [String]?

        private enum CodingKeys: CodingKey { case path, name, dtype, shape, bytes, sha256, tiedTo }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(path, forKey: .path)
            // Written as null: that a tensor has no name is a statement.
            try container.encode(name, forKey: .name)
            try container.encode(dtype, forKey: .dtype)
            try container.encode(shape, forKey: .shape)
            try container.encode(bytes, forKey: .bytes)
            try container.encodeIfPresent(sha256, forKey: .sha256)
            try container.encodeIfPresent(tiedTo, forKey: .tiedTo)
        }
    }

    /// What the pickle asks for that is not plain data.
    struct Findings: Encodable {
        let dangerous: Int
        let suspicious: Int
        let notes: Int
        let list: [ConvertReport.Finding]
    }

    let tool = "ud2m-convert"
    let version = Version.current
    let path: String
    let container: String
    let bytes: Int
    /// All tensors of the file.
    let totals: TensorTotals
    let stateDicts: [State]
    let selection: Selection?
    let architecture: ArchitectureSummary?
    /// Why no network was recognised.
    let unrecognised: String?
    /// What a person must say before the network can be converted.
    let undecided: String?
    /// What to do about either.
    let remedy: String?
    /// Ten tensors, some of each kind, in which the file and the network disagree, or the closest one when none is recognised.
    let mismatches: [MismatchReport]
    /// How many disagree.
    let mismatchCount: Int
    /// The published model that comes closest; nil when the file is a whole known network.
    let closest: ClosestReport?
    let contentID: String?
    let metadata: [String: String]
    let tensors: [Tensor]
    /// The sparse tensors of the selected state dict, whose parts are tensors of their own.
    let sparse: [SparseReport]
    /// The paths of tensors outside any state dict, without those that the selection takes as one.
    let looseTensors: [[String]]
    let skipped: [ConvertReport.Skipped]
    let findings: Findings
    let remarks: [String]
}

extension InspectReport.Findings {
    init(_ findings: [PickleFinding]) {
        self.init(
            dangerous: findings.count { $0.severity == .dangerous },
            suspicious: findings.count { $0.severity == .suspicious },
            notes: findings.count { $0.severity == .note }, list: findings.map { .init($0) })
    }
}
