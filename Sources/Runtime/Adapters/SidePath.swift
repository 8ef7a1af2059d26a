import CUD2MKernels

/// The two small layers that compute U·(D·x) beside a layer W·x: `down` maps what the layer reads to as many channels as
/// the rank, as the layer itself would; `up` maps each of these pixels to the layer's output.
struct SidePath {
    let down: Operation
    let up: Operation
    /// The names of the layers' weights.
    let names: (down: String, up: String)

    /// The path beside the operation that reads `weight` as its matrix or kernel; nil where none is possible: beside a
    /// layer that ends in an activation or a normalisation, and for other tensors than kernels and matrices.
    init?(beside operation: Operation, weight: String, rank: Int) {
        names = (down: "adapter.\(weight).down", up: "adapter.\(weight).up")
        switch operation {
        case .linear(let linear) where linear.weight == weight:
            down = .linear(Linear(weight: names.down, bias: nil, inputs: linear.inputs, outputs: rank))
            up = .linear(Linear(weight: names.up, bias: linear.bias, inputs: rank, outputs: linear.outputs))
        case .convolution(let convolution) where convolution.weight == weight && convolution.hasMatrix:
            var first = convolution
            (first.weight, first.bias, first.outputChannels) = (names.down, nil, rank)
            first.layout = .planar
            down = .convolution(first)
            up = .convolution(
                Convolution(
                    weight: names.up, bias: nil, normalization: nil, inputChannels: rank,
                    outputChannels: convolution.outputChannels, kernelHeight: 1, kernelWidth: 1, stride: 1,
                    padding: Padding(0), activation: .none, layout: .planar))
        default: return nil
        }
    }

    /// A rank in whole blocks, as plans have it: adapters of nearly the same rank then share them.
    static func padded(_ rank: Int) -> Int { blockCount(rank) * Int(UD2M_LANES) }

    /// Whether kernels read the factors with the shapes that plans have, so that they must be stored in whole blocks.
    var needsWholeBlocks: Bool {
        if case .convolution(let convolution) = down { convolution.readsStoredKernel } else { true }
    }
}

extension Operation {
    /// The name of the matrix or kernel of a layer.
    var matrix: String? {
        switch self {
        case .convolution(let convolution): convolution.weight
        case .linear(let linear): linear.weight
        default: nil
        }
    }
}

extension Convolution {
    /// Whether the output is the product of the stored kernel, as a matrix of its outermost dimension, with what it reads.
    fileprivate var hasMatrix: Bool {
        if case .transposed = layout { false } else { endsInBias }
    }
}
