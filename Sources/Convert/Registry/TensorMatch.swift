import UD2MFormats

/// A state dict held against the network found in it.
struct TensorMatch {
    /// Tensors that go into the store under the store's names and shapes, in the network's order.
    private(set) var mapped: [TensorSource] = []
    /// Tensors the network needs and the file lacks, as the file would spell them.
    private(set) var missing: [TensorLayout.FileTensor] = []
    /// Tensors whose shape is wrong.
    private(set) var misshapen: [ConversionPlan.Misshapen] = []
    /// Tensors of the state dict that are no part of the network or of its layout.
    private(set) var unmapped: [TensorSource] = []

    /// Compares names and shapes.
    init(_ architecture: DetectedArchitecture, tensors: [TensorSource]) {
        let sources = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
        var known = Set(architecture.layout.leftOut.flatMap(\.names))
        for parameter in architecture.parameters {
            let expected = architecture.layout.fileTensor(parameter)
            known.insert(expected.name)
            guard let source = sources[expected.name] else {
                missing.append(expected)
                continue
            }
            guard source.shape == expected.shape else {
                misshapen.append(
                    .init(name: expected.name, expected: expected.shape, found: source.shape))
                continue
            }
            mapped.append(source.renamed(parameter))
        }
        unmapped = tensors.filter { !known.contains($0.name) }
    }

    /// Every disagreement: misshapen tensors, then missing, then unknown ones.
    var mismatches: [TensorMismatch] {
        misshapen.map { TensorMismatch(name: $0.name.text, expected: $0.expected, found: $0.found) }
            + missing.map { TensorMismatch(name: $0.name.text, expected: $0.shape, found: nil) }
            + unmapped.map { TensorMismatch(name: $0.name.text, expected: nil, found: $0.shape) }
    }
}

extension TensorSource {
    /// The same elements under the store's name and shape; a layout's shape differs by trailing ones only.
    fileprivate func renamed(_ parameter: ParameterDescription) -> TensorSource {
        var copy = self
        copy.name = parameter.name
        let extra = parameter.shape.count - shape.count
        if extra > 0 {
            copy.shape += [Int](repeating: 1, count: extra)
            copy.strides += [Int](repeating: 1, count: extra)
        }
        return copy
    }
}
