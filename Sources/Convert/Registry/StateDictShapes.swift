import UD2MFormats

/// The names and shapes of one state dict, which is all that detection looks at, and where it was found.
public struct StateDictShapes: Sendable {
    private let shapes: [TensorName: [Int]]
    /// Where the state dict is in the file.
    public let path: [String]
    /// The checkpoint's path, beside which a configuration may lie; nil when there is no file.
    public let file: String?

    private static let largestDimension = 1 << 20
    private static let dimensions = 1...largestDimension

    /// Creates an index.
    public init(_ shapes: [TensorName: [Int]], path: [String] = [], file: String? = nil) {
        self.shapes = shapes
        self.path = path
        self.file = file
    }

    /// The shape of a tensor, or nil when the state dict has no such name.
    public subscript(_ name: String) -> [Int]? { shapes[TensorName(name)] }

    /// Whether a tensor of this name exists.
    public func has(_ name: String) -> Bool { self[name] != nil }

    /// All names.
    public var names: Dictionary<TensorName, [Int]>.Keys { shapes.keys }

    /// The size of one dimension of a tensor that must exist and have `rank` dimensions.
    ///
    /// A layer's output channels are the length of its bias as well: a weight that is lost does not hide the network then,
    /// and can be reported as missing with its shape.
    /// - Throws: `architecture-tensor-missing` or `architecture-shape` naming the tensor.
    func size(_ name: String, axis: Int, rank: Int, family: String) throws(UD2MError) -> Int {
        guard let shape = self[name] else {
            if axis == 0, let channels = biasLength(of: name) { return channels }
            throw UD2MError(
                .architectureTensorMissing,
                "The names are those of \(family), but this tensor, which fixes its shape, is missing.",
                at: .init(tensor: name))
        }
        // The bound keeps later products far from overflow; no layer of any of these networks comes near it.
        guard shape.count == rank, shape.allSatisfy({ Self.dimensions.contains($0) }) else {
            throw UD2MError(
                .architectureShape,
                "\(family) needs \(rank) dimensions of 1…\(Self.largestDimension) here; the file has shape \(shape).",
                at: .init(tensor: name))
        }
        return shape[axis]
    }

    /// The output channels that most of several convolutions agree on, by their weights and biases, the first of them among
    /// equals: one tensor that is lost or misshapen is reported then, and not its neighbours.
    /// - Throws: what ``size(_:axis:rank:family:)`` throws for the first one when none has a size.
    func commonChannels(_ convolutions: [String], family: String) throws(UD2MError) -> Int {
        var votes: [Int] = []
        for convolution in convolutions {
            let weight = convolution + ".weight"
            if let shape = self[weight], shape.count == 4, shape.allSatisfy(Self.dimensions.contains) {
                votes.append(shape[0])
            }
            if let channels = biasLength(of: weight) { votes.append(channels) }
        }
        let counts = Dictionary(votes.map { ($0, 1) }, uniquingKeysWith: +)
        guard let most = counts.values.max(), let channels = votes.first(where: { counts[$0] == most }) else {
            return try size("\(convolutions.first ?? "").weight", axis: 0, rank: 4, family: family)
        }
        return channels
    }

    /// How a network compares whose tensors the checkpoint would spell like this: how many are here with their shapes, and
    /// how many are missing, misshapen or no part of it.
    func comparison(_ tensors: [TensorLayout.FileTensor], _ layout: TensorLayout) -> (matched: Int, differing: Int) {
        var (matched, named) = (0, 0)
        for tensor in tensors {
            guard let shape = shapes[tensor.name] else { continue }
            named += 1
            if shape == tensor.shape { matched += 1 }
        }
        let leftOut = layout.leftOut.reduce(0) { $0 + $1.names.count { shapes[$0] != nil } }
        return (matched, tensors.count - matched + max(0, shapes.count - named - leftOut))
    }

    /// The same state dict with these tensors as they should be.
    func repaired(_ tensors: [TensorLayout.FileTensor]) -> StateDictShapes {
        var all = shapes
        for tensor in tensors { all[tensor.name] = tensor.shape }
        return StateDictShapes(all, path: path, file: file)
    }

    /// The length of the bias beside a weight; nil when there is none.
    private func biasLength(of weight: String) -> Int? {
        let suffix = ".weight"
        guard weight.hasSuffix(suffix), let shape = self[weight.dropLast(suffix.count) + ".bias"], shape.count == 1,
            Self.dimensions.contains(shape[0])
        else { return nil }
        return shape[0]
    }

    /// The indices i of names that start with `<prefix>.<i>.`, sorted.
    func indices(under prefix: String) -> [Int] {
        let start = Array((prefix + ".").utf8)
        var found = Set<Int>()
        for name in shapes.keys where name.bytes.starts(with: start) {
            let digits = name.bytes.dropFirst(start.count).prefix { $0 != UInt8(ascii: ".") }
            // Longer runs of digits are no block index of any real network.
            guard (1...4).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { continue }
            found.insert(digits.reduce(0) { $0 * 10 + Int($1 - 0x30) })
        }
        return found.sorted()
    }

    /// The number of indices under a prefix, which must be 0, 1, 2, … without a gap.
    /// - Throws: `architecture-tensor-missing` for a gap or when there is none, `architecture-shape` for more than `limit`.
    func count(under prefix: String, limit: Int, family: String) throws(UD2MError) -> Int {
        let found = indices(under: prefix)
        guard !found.isEmpty, found == Array(0..<found.count) else {
            throw UD2MError(
                .architectureTensorMissing,
                "The names are those of \(family), but these parts are not numbered 0, 1, 2, … without a gap.",
                at: .init(tensor: prefix))
        }
        guard found.count <= limit else {
            throw UD2MError(
                .architectureShape, "\(family) has \(limit) such parts at most; the file has \(found.count).",
                at: .init(tensor: prefix))
        }
        return found.count
    }
}
