/// A tensor that a network reads, with the shape it must have.
public struct WeightRequirement: Sendable, Hashable {
    /// The tensor's name.
    public let name: String
    /// The shape it must have in the store.
    public let shape: [Int]
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
            let kernel = [Int](repeating: convolution.kernel, count: convolution.isOneDimensional ? 1 : 2)
            let weight = WeightRequirement(
                name: convolution.weight,
                shape: [convolution.outputChannels, convolution.inputChannels] + kernel)
            return [weight]
                + (convolution.bias.map { [WeightRequirement(name: $0, shape: [convolution.outputChannels])] } ?? [])
        case .linear(let linear):
            return [
                WeightRequirement(name: linear.weight, shape: [linear.outputs, linear.inputs]),
                WeightRequirement(name: linear.bias, shape: [linear.outputs]),
            ]
        case .groupNorm(let norm), .normCoefficients(let norm):
            return [
                WeightRequirement(name: norm.weight, shape: [norm.channels]),
                WeightRequirement(name: norm.bias, shape: [norm.channels]),
            ]
        case .image, .timestepEmbedding, .modulate, .silu, .add, .concat, .resample, .resizeBilinear, .attention,
            .vectorCoefficients, .load:
            return []
        case .shiftedBias(let weight, let channels):
            return [WeightRequirement(name: weight, shape: [channels])]
        }
    }
}
