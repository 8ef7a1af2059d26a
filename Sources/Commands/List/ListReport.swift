/// The result of `ud2m-convert ls` (`schemas/ls.schema.json`).
struct ListReport: Encodable {
    struct Tensor: Encodable {
        let name: String
        let dtype: String
        let shape: [Int]
        let bytes: Int
    }

    let tool = "ud2m-convert"
    let version = Version.current
    let path: String
    let state: [String]
    let prefix: String
    /// Those that the patterns let through, in the order asked for.
    let tensors: [Tensor]
    let totals: TensorTotals
    /// What those of them stand for that are parts of sparse tensors.
    let sparse: [SparseReport]
    /// Patterns that match no tensor.
    let unmatchedPatterns: [String]
    /// What else the file holds.
    let skipped: [ConvertReport.Skipped]
    let otherStateDicts: [CheckpointRest.State]
    let looseTensors: [[String]]
    /// Oddities of the file that change nothing.
    let remarks: [String]
}
