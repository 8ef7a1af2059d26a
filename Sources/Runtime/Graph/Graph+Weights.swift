/// A tensor that a network reads, with the shape it must have.
public struct WeightRequirement: Sendable, Hashable {
    /// The tensor's name.
    public let name: String
    /// The shape it must have in the store.
    public let shape: [Int]

    package init(name: String, shape: [Int]) {
        self.name = name
        self.shape = shape
    }
}

extension Graph {
    /// Every weight the nodes name, in the order of first use, each once.
    package var weights: [WeightRequirement] {
        var seen: Set<String> = []
        return nodes.flatMap(\.operation.weights).filter { seen.insert($0.name).inserted }
    }
}

extension Operation {
    /// The weights this operation names.
    package var weights: [WeightRequirement] {
        switch self {
        case .classEmbedding(_, let table):
            return [WeightRequirement(name: table.weight, shape: [table.classes, table.width])]
        case .convolution(let convolution):
            return convolution.weights
        case .linear(let linear):
            let weight = WeightRequirement(name: linear.weight, shape: [linear.outputs, linear.inputs])
            return [weight] + (linear.bias.map { [WeightRequirement(name: $0, shape: [linear.outputs])] } ?? [])
        case .groupNorm(let norm), .normCoefficients(let norm):
            return [norm.affine?.weight, norm.affine?.bias].compactMap { $0 }
                .map { WeightRequirement(name: $0, shape: [norm.channels]) }
        case .shiftedBias(let weight, let channels):
            return [WeightRequirement(name: weight, shape: [channels])]
        case .scale(let weight), .vectorCoefficients(.weight(let weight)):
            return [WeightRequirement(name: weight, shape: [1])]
        case .image, .timestepEmbedding, .external, .interleave, .modulate, .activation, .add, .concat, .resample,
            .pool, .globalAverage, .flatten, .resizeBilinear, .attention, .vectorCoefficients, .load:
            return []
        }
    }
}
