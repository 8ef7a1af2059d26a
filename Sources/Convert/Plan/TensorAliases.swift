import UD2MFormats

/// Tied tensors: names whose elements are the very same bytes as an earlier one's (`formats.md` §5.4).
public enum TensorAliases {
    /// Everything that decides which bytes a tensor reads.
    package struct Place: Hashable {
        private let storage: ObjectIdentifier
        private let offset: Int
        private let shape: [Int]
        private let strides: [Int]
        private let elementType: ElementType
        private let isNegated: Bool
        private let isConjugated: Bool
        private let interpretation: TensorInterpretation

        package init(_ tensor: TensorSource) {
            storage = ObjectIdentifier(tensor.storage)
            offset = tensor.elementOffset
            shape = tensor.shape
            strides = tensor.strides
            elementType = tensor.elementType
            isNegated = tensor.isNegated
            isConjugated = tensor.isConjugated
            interpretation = tensor.interpretation
        }
    }

    /// The names that repeat an earlier tensor, each with the name it repeats.
    ///
    /// Tensors that will be written as different types are no aliases of each other.
    public static func among(
        _ tensors: [TensorSource], writtenAs type: (TensorSource) -> ElementType = { $0.elementType }
    ) -> [TensorName: TensorName] {
        var aliases: [TensorName: TensorName] = [:]
        for (tensor, first) in zip(tensors, firsts(among: tensors, writtenAs: type)) {
            if let first { aliases[tensor.name] = tensors[first].name }
        }
        return aliases
    }

    /// For each tensor, the index of the earlier one that it repeats; nil for those that repeat none.
    package static func firsts(
        among tensors: [TensorSource], writtenAs type: (TensorSource) -> ElementType = { $0.elementType }
    ) -> [Int?] {
        struct Written: Hashable {
            let place: Place
            let type: ElementType
        }
        var first: [Written: Int] = [:]
        return tensors.enumerated().map { index, tensor in
            guard !tensor.shape.contains(0) else { return nil }
            let written = Written(place: Place(tensor), type: type(tensor))
            if let known = first[written] { return known }
            first[written] = index
            return nil
        }
    }

    /// The tensors that start inside the part of the storage that another tensor reaches over, such as rows of it
    /// (`formats.md` §5.4). They are written by themselves.
    package static func partlyShared(among tensors: [TensorSource]) -> [TensorName] {
        struct Extent {
            let storage: ObjectIdentifier
            let bits: Range<Int>
            let name: TensorName
        }
        var seen = Set<Place>()
        let extents = tensors.compactMap { tensor -> Extent? in
            guard !tensor.shape.contains(0), seen.insert(Place(tensor)).inserted else { return nil }
            let last = zip(tensor.shape, tensor.strides).reduce(tensor.elementOffset) {
                $0.addedOrMaximum(($1.0 - 1).multipliedOrMaximum($1.1))
            }
            let (width, start) = (tensor.elementType.bitWidth, tensor.elementOffset)
            return Extent(
                storage: ObjectIdentifier(tensor.storage),
                bits: start.multipliedOrMaximum(width)..<last.addedOrMaximum(1).multipliedOrMaximum(width),
                name: tensor.name)
        }
        var shared: [TensorName] = []
        for group in Dictionary(grouping: extents, by: \.storage).values where group.count > 1 {
            var end = 0
            for extent in group.sorted(by: { $0.bits.lowerBound < $1.bits.lowerBound }) {
                if extent.bits.lowerBound < end { shared.append(extent.name) }
                end = max(end, extent.bits.upperBound)
            }
        }
        return shared.sorted()
    }

    /// What to say of tensors that share bytes in part; nil when none do.
    package static func remark(on tensors: [TensorSource]) -> String? {
        let shared = partlyShared(among: tensors)
        guard let first = shared.first else { return nil }
        let subject =
            shared.count > 1 ? "\(first.text) and \(shared.count - 1) more are views" : "\(first.text) is a view"
        return "\(subject) of a part of other tensors' storage; each is written by itself."
    }
}
