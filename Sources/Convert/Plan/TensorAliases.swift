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
        struct Written: Hashable {
            let place: Place
            let type: ElementType
        }
        var first: [Written: TensorName] = [:]
        var aliases: [TensorName: TensorName] = [:]
        for tensor in tensors where !tensor.shape.contains(0) {
            let written = Written(place: Place(tensor), type: type(tensor))
            if let canonical = first[written] {
                aliases[tensor.name] = canonical
            } else {
                first[written] = tensor.name
            }
        }
        return aliases
    }
}
