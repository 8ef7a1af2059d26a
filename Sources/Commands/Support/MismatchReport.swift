import UD2MFormats

/// A published model that a checkpoint comes closest to, as reports give it.
struct ClosestReport: Encodable {
    let model: String
    let family: String
    let matched: Int
    let named: Int
    let total: Int

    /// For a person.
    let text: String

    private enum CodingKeys: CodingKey { case model, family, matched, named, total }

    init(_ closest: ClosestNetwork) {
        model = closest.model
        family = closest.family
        matched = closest.matched
        named = closest.named
        total = closest.total
        text = closest.description
    }
}

/// A tensor in which a checkpoint and a network disagree, as reports give it.
struct MismatchReport: Encodable {
    let name: String
    /// Nil for a tensor that the network does not have.
    let expected: [Int]?
    /// Nil for a tensor that the checkpoint lacks.
    let found: [Int]?
    /// What is wrong where shapes do not tell; nil where they do.
    let reason: String?
    /// For a person.
    let text: String

    private enum CodingKeys: CodingKey { case name, expected, found, reason }

    init(_ mismatch: TensorMismatch) {
        name = mismatch.name
        expected = mismatch.expected
        found = mismatch.found
        reason = mismatch.reason
        text = mismatch.description
    }
}
