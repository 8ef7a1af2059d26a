/// A tensor in which a checkpoint and a network disagree.
public struct TensorMismatch: Sendable, Hashable {
    /// The tensor's name in the checkpoint, or the name it should have there.
    public let name: String
    /// The shape the network needs; nil for a tensor it does not have.
    public let expected: [Int]?
    /// The shape in the checkpoint; nil for a tensor it lacks.
    public let found: [Int]?
    /// What is wrong where shapes do not tell, after the name: "is of type i64, which …"; nil where they do.
    public let reason: String?

    /// Creates a mismatch.
    public init(name: String, expected: [Int]?, found: [Int]?, reason: String? = nil) {
        self.reason = reason
        self.name = name
        self.expected = expected
        self.found = found
    }
}

extension TensorMismatch: CustomStringConvertible {
    /// "a.weight is missing, [4, 3] needed", "a.weight is [4, 2] instead of [4, 3]", "b [7] is unknown".
    public var description: String {
        if let reason { return "\(name) \(reason)" }
        return switch (expected, found) {
        case (let expected?, let found?): "\(name) is \(found) instead of \(expected)"
        case (let expected?, nil): "\(name) is missing, \(expected) needed"
        case (nil, let found?): "\(name) \(found) is unknown"
        case (nil, nil): name
        }
    }
}

/// The known network whose tensors are most like a checkpoint's.
public struct ClosestNetwork: Sendable, Hashable {
    /// The model, such as `"256x256_diffusion_uncond"`.
    public let model: String
    /// The family with its article, such as `"an ADM U-Net"`.
    public let family: String
    /// How many of its tensors the checkpoint has with the right shape.
    public let matched: Int
    /// How many it has under the right name, with any shape.
    public let named: Int
    /// How many it needs.
    public let total: Int

    /// Creates a record.
    public init(model: String, family: String, matched: Int, named: Int, total: Int) {
        self.model = model
        self.family = family
        self.matched = matched
        self.named = named
        self.total = total
    }
}

extension ClosestNetwork: CustomStringConvertible {
    /// "256x256_diffusion_uncond, an ADM U-Net: 560 of 566 tensors match, 562 by name".
    public var description: String {
        let byName = named == matched ? "" : ", \(named) by name"
        return "\(model), \(family): \(matched) of \(total) tensors match\(byName)"
    }
}
