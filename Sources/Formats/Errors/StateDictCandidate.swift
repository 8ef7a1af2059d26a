/// A state dict that a caller may mean, described so that a person can tell it from the others (`formats.md` §9.1).
public struct StateDictCandidate: Sendable, Hashable {
    /// What `--select` takes.
    public let selector: String
    /// The network recognised in it, in one line, or nil when none is.
    public let network: String?
    /// How many tensors it holds.
    public let tensors: Int
    /// Bytes of them all.
    public let bytes: Int
    /// Their element types, without repetition.
    public let elementTypes: [String]
    /// The first three names.
    public let sampleNames: [String]

    /// Describes the tensors of a state dict.
    package init(selector: String, network: String? = nil, tensors: [TensorSource]) {
        self.selector = selector
        self.network = network
        self.tensors = tensors.count
        self.bytes = tensors.totalByteCount
        self.elementTypes = Set(tensors.map(\.elementTypeName)).sorted()
        self.sampleNames = tensors.prefix(3).map(\.name.text)
    }
}

extension [TensorSource] {
    /// Bytes of all tensors together; the sum stops at the largest integer, since stride-0 tensors may claim anything.
    package var totalByteCount: Int {
        reduce(0) { $0.addedOrMaximum($1.byteCount) }
    }
}
