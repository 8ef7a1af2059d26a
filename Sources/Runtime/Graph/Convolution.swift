/// Zero rows and columns around a map.
package struct Padding: Sendable, Hashable {
    package var top: Int
    package var left: Int
    package var bottom: Int
    package var right: Int

    package init(top: Int, left: Int, bottom: Int, right: Int) {
        self.top = top
        self.left = left
        self.bottom = bottom
        self.right = right
    }

    /// The same number of rows above and below, and of columns left and right.
    package init(vertical: Int, horizontal: Int) {
        self.init(top: vertical, left: horizontal, bottom: vertical, right: horizontal)
    }

    /// The same on all four sides.
    package init(_ side: Int) {
        self.init(vertical: side, horizontal: side)
    }

    /// One row below and one column to the right (`networks.md` §2.1, Downsample).
    package static let bottomRight = Padding(top: 0, left: 0, bottom: 1, right: 1)
}

/// Batch normalisation with the statistics of training, folded into a convolution's weights when they are loaded.
package struct BatchNorm: Sendable, Hashable {
    /// The names of four tensors of one value a channel.
    package var weight: String
    package var bias: String
    package var mean: String
    package var variance: String
    /// What is added to the variance.
    package var epsilon: Double

    /// Normalisation by a PyTorch module.
    package init(_ prefix: String, epsilon: Double) {
        weight = "\(prefix).weight"
        bias = "\(prefix).bias"
        mean = "\(prefix).running_mean"
        variance = "\(prefix).running_var"
        self.epsilon = epsilon
    }
}

/// A 2-D convolution with zero padding: `activation(normalization(conv(x) + bias))`, each where there is one.
package struct Convolution: Sendable, Hashable {
    /// The shape in which the weight is stored; K output channels, C input channels.
    package enum WeightLayout: Sendable, Hashable {
        /// [K, C, kernel height, kernel width].
        case planar
        /// [K, C, 1]: that of a 1-D convolution.
        case sequence
        /// [C, K / 4, 2, 2]: that of a transposed convolution of kernel and stride 2, run as a 1×1 convolution to one
        /// map for each pixel of a 2×2 square. `channels` is K / 4 before it is padded to whole blocks.
        case transposed(channels: Int)
    }

    package var weight: String
    package var bias: String?
    package var normalization: BatchNorm?
    package var inputChannels: Int
    package var outputChannels: Int
    package var kernelHeight: Int
    package var kernelWidth: Int
    package var stride: Int
    package var padding: Padding
    package var activation: Activation
    package var layout: WeightLayout

    package init(
        weight: String, bias: String?, normalization: BatchNorm?, inputChannels: Int, outputChannels: Int,
        kernelHeight: Int, kernelWidth: Int, stride: Int, padding: Padding, activation: Activation, layout: WeightLayout
    ) {
        self.weight = weight
        self.bias = bias
        self.normalization = normalization
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.stride = stride
        self.padding = padding
        self.activation = activation
        self.layout = layout
    }

    /// Whether the output is a linear function of the bias, so that a vector may be added to it.
    package var endsInBias: Bool { activation == .none && normalization == nil }

    /// Whether Winograd's algorithm can compute it.
    package var suitsWinograd: Bool { (kernelHeight, kernelWidth, stride) == (3, 3, 1) }

    /// Whether the kernel is used where it is stored: Winograd transforms read it as it lies.
    package var readsStoredKernel: Bool { suitsWinograd && layout == .planar && normalization == nil }

    /// The weights this convolution names; the first is the kernel.
    package var weights: [WeightRequirement] {
        let (rows, columns) = (outputChannels, inputChannels)
        let kernel =
            switch layout {
            case .planar: [rows, columns, kernelHeight, kernelWidth]
            case .sequence: [rows, columns, 1]
            case .transposed(let channels): [columns, channels, 2, 2]
            }
        let vectors =
            [bias].compactMap { $0 }
            + (normalization.map { [$0.weight, $0.bias, $0.mean, $0.variance] } ?? [])
        return [WeightRequirement(name: weight, shape: kernel)]
            + vectors.map { WeightRequirement(name: $0, shape: [rows]) }
    }
}
