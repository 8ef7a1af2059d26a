import CUD2MKernels

/// What a step of a plan is called in a profile, and the arithmetic it stands for.
struct StepLabel: Sendable, Equatable {
    /// Such as `conv3x3`.
    let kind: String
    /// The shapes: "256→512, 64×64".
    let detail: String
    /// Floating-point operations by the definition; an algorithm may need fewer.
    let operations: Double
    /// Whether it goes on with what an earlier step began: a node of several steps counts once.
    private(set) var isContinuation = false

    /// The label of the further steps of a node.
    var continuation: StepLabel {
        var label = StepLabel(kind: kind, detail: detail, operations: 0)
        label.isContinuation = true
        return label
    }
}

extension CompiledGraph.Scope {
    /// The label of a node's steps.
    func label(of index: Int) -> StepLabel {
        let node = graph.nodes[index]
        let (shape, operand) = (shapes[index], node.inputs.first.map { shapes[$0.index] })
        switch node.operation {
        case .convolution(let convolution):
            let stride = convolution.stride > 1 ? "/\(convolution.stride)" : ""
            let (rows, columns) = (convolution.outputChannels, convolution.inputChannels)
            let products =
                Double(rows) * Double(columns) * Double(convolution.kernelHeight * convolution.kernelWidth)
                * Double(shape.positions)
            return StepLabel(
                kind: "conv\(convolution.kernelHeight)x\(convolution.kernelWidth)\(stride)",
                detail: "\(columns)→\(rows), \(shape.sizeText)", operations: 2 * products)
        case .linear(let linear):
            return StepLabel(
                kind: "linear", detail: "\(linear.inputs)→\(linear.outputs)",
                operations: 2 * Double(linear.inputs) * Double(linear.outputs))
        case .attention(let attention):
            let tokens = Double(shape.positions)
            return StepLabel(
                kind: "attention", detail: "\(attention.channels) in \(attention.heads) heads, \(shape.sizeText)",
                operations: 4 * tokens * tokens * Double(attention.channels))
        case let operation:
            let size = (operand ?? shape)
            return StepLabel(kind: operation.name, detail: "\(size.channels), \(size.sizeText)", operations: 0)
        }
    }
}

extension ValueShape {
    fileprivate var sizeText: String {
        switch self {
        case .map(_, let height, let width): "\(height)×\(width)"
        case .vector: "vector"
        }
    }
}

extension Operation {
    /// The case's name for a profile.
    fileprivate var name: String {
        switch self {
        case .image: "input"
        case .timestepEmbedding, .classEmbedding: "embedding"
        case .external: "external"
        case .convolution: "convolution"
        case .interleave: "interleave"
        case .linear: "linear"
        case .groupNorm, .normCoefficients: "norm"
        case .modulate, .vectorCoefficients: "coefficients"
        case .scale, .load, .activation: "pointwise"
        case .add, .shiftedBias: "add"
        case .concat: "concat"
        case .resample: "resample"
        case .pool, .globalAverage: "pool"
        case .flatten: "flatten"
        case .resizeBilinear: "resize"
        case .attention: "attention"
        }
    }
}
