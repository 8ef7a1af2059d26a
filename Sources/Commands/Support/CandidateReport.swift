import UD2MFormats

/// A state dict among which a choice is open, as reports give it.
struct CandidateReport: Encodable {
    /// What `--select` takes.
    let select: String
    let network: String?
    let tensors: Int
    let bytes: Int
    let dtypes: [String]
    /// The first three names.
    let samples: [String]

    init(_ candidate: StateDictCandidate) {
        select = candidate.selector
        network = candidate.network
        tensors = candidate.tensors
        bytes = candidate.bytes
        dtypes = candidate.elementTypes
        samples = candidate.sampleNames
    }

    /// A line for each candidate, for a person; the first twenty.
    static func table(_ candidates: [CandidateReport]) -> [String] {
        var table = TextTable([.left, .right, .right, .left, .left])
        table.add("select", "tensors", "size", "dtypes", "holds")
        for item in candidates.prefix(20) {
            let samples = item.samples.map(\.escapedForDisplay).joined(separator: ", ")
            table.add(
                item.select.escapedForDisplay, "\(item.tensors)", ByteText.size(item.bytes),
                item.dtypes.joined(separator: ", "), item.network ?? samples)
        }
        return table.lines
    }
}
