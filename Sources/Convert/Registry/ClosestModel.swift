import UD2MFormats

/// The published model that a state dict comes closest to, and where the two differ.
struct ClosestModel {
    /// The model and its counts.
    let network: ClosestNetwork
    /// The differences: misshapen tensors, then missing, then unknown ones.
    private(set) var mismatches: [TensorMismatch] = []
    /// Whether the widths are so much the state dict's own that ``mismatches`` leaves other sizes out.
    private(set) var hasOtherWidths = false

    /// Fewer names in common than this are a coincidence.
    private static let leastNames = 3

    /// Compares with every layout of every known model; nil when none is close: half of the state dict must have the
    /// model's names, or half of the model's tensors must be in it.
    init?(_ shapes: [TensorName: [Int]]) {
        var best: (network: ClosestNetwork, tensors: [TensorLayout.FileTensor], leftOut: Set<TensorName>)?
        let roots = Dictionary(shapes.keys.map { ($0.root, 1) }, uniquingKeysWith: +)
        for family in ArchitectureRegistry.families {
            // No model can have more names in common than there are names with the family's beginnings, and most families
            // need not be looked at: their tables take longer to build than a file to open. A tenth is far from close.
            let alike = family.roots.reduce(0) { $0 + (roots[$1] ?? 0) }
            guard alike >= Self.leastNames, alike * 10 >= shapes.count else { continue }
            for model in family.knownModels {
                for layout in model.layouts {
                    let tensors = layout.fileTensors(model.parameters)
                    let named = tensors.count { shapes[$0.name] != nil }
                    guard named >= Self.leastNames else { continue }
                    let candidate = ClosestNetwork(
                        model: model.name, family: family.name,
                        matched: tensors.count { shapes[$0.name] == $0.shape }, named: named, total: tensors.count)
                    guard named * 2 >= shapes.count || candidate.matched * 2 >= tensors.count else { continue }
                    if let best, !candidate.isCloser(than: best.network) { continue }
                    best = (candidate, tensors, Set(layout.leftOut.flatMap(\.names)))
                }
            }
        }
        guard let best else { return nil }
        network = best.network
        compare(best.tensors, shapes.filter { !best.leftOut.contains($0.key) })
    }

    private mutating func compare(_ tensors: [TensorLayout.FileTensor], _ shapes: [TensorName: [Int]]) {
        let needed = Set(tensors.map(\.name))
        let missing = tensors.filter { shapes[$0.name] == nil }
        var misshapen = tensors.compactMap { tensor -> TensorMismatch? in
            guard let found = shapes[tensor.name], found != tensor.shape else { return nil }
            return TensorMismatch(name: tensor.name.text, expected: tensor.shape, found: found)
        }
        // A network of the same names whose widths are its own: sizes say nothing then, the number of dimensions does. Of a
        // few tensors that are left of a network the sizes are all there is to say.
        let named = tensors.count - missing.count
        if misshapen.count * 2 > named, named * 2 >= tensors.count {
            misshapen = misshapen.filter { $0.expected?.count != $0.found?.count }
            hasOtherWidths = true
        }
        let unknown = shapes.filter { !needed.contains($0.key) }.sorted { $0.key < $1.key }
        mismatches =
            misshapen + missing.map { TensorMismatch(name: $0.name.text, expected: $0.shape, found: nil) }
            + unknown.map { TensorMismatch(name: $0.key.text, expected: nil, found: $0.value) }
    }
}

extension TensorName {
    /// The name up to its first dot.
    fileprivate var root: String { String(decoding: bytes.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self) }
}

extension ClosestNetwork {
    /// More tensors that match; among equals more names in common, then less that is missing.
    fileprivate func isCloser(than other: ClosestNetwork) -> Bool {
        (matched, named, -total) > (other.matched, other.named, -other.total)
    }
}

extension UD2MError {
    /// How many tensors an error names.
    static let mismatchLimit = 10

    /// A copy that says how a state dict differs from the published model that it comes closest to.
    func describing(_ closest: ClosestModel) -> UD2MError {
        var error = self
        if closest.hasOtherWidths {
            error.message +=
                " The file's widths are not those of the closest network, whose shapes are given: only names and numbers "
                + "of dimensions are compared."
        }
        return error.describing(closest.mismatches, closest: closest.network)
    }

    /// A copy that names ten offending tensors, some of each kind, and the closest published model.
    func describing(_ mismatches: [TensorMismatch], closest: ClosestNetwork?) -> UD2MError {
        var copy = self
        copy.mismatches = mismatches.sample(Self.mismatchLimit)
        copy.closest = closest
        if let closest { copy.message += " The closest known network is \(closest)." }
        if !mismatches.isEmpty {
            let rest = mismatches.count - copy.mismatches.count
            let named = copy.mismatches.map(\.description).joined(separator: "; ")
            copy.message += " Tensors that differ (\(mismatches.counts)): \(named)"
            copy.message += rest > 0 ? "; and \(rest) more." : "."
        }
        return copy
    }
}

extension [TensorMismatch] {
    /// The three kinds, each in order: other shapes, missing, unknown.
    private var kinds: [[TensorMismatch]] {
        [
            filter { $0.expected != nil && $0.found != nil }, filter { $0.found == nil },
            filter { $0.expected == nil && $0.found != nil },
        ]
    }

    /// At most `limit` of them, the same number of each kind as far as there are so many: one tensor of another shape is
    /// not lost among hundreds that are missing.
    func sample(_ limit: Int) -> [TensorMismatch] {
        let kinds = kinds
        var taken = [0, 0, 0]
        while taken.reduce(0, +) < Swift.min(limit, count) {
            for kind in kinds.indices where taken[kind] < kinds[kind].count && taken.reduce(0, +) < limit {
                taken[kind] += 1
            }
        }
        return zip(kinds, taken).flatMap { $0.prefix($1) }
    }

    /// "1 of another shape, 300 missing, 2 unknown".
    var counts: String {
        zip(kinds, ["of another shape", "missing", "unknown"]).filter { !$0.0.isEmpty }
            .map { "\($0.count) \($1)" }.joined(separator: ", ")
    }
}
