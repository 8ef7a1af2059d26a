import CUD2MKernels

/// A function applied to every value.
package enum Activation: Sendable, Hashable {
    /// x.
    case none
    /// x·sigmoid(x).
    case silu
    /// max(x, 0).
    case relu
    /// x where positive, else `slope`·x.
    case leakyReLU(slope: Float)
    /// 1 / (1 + e^-x); of vectors only.
    case sigmoid

    /// The kernels' name for this function.
    var kernelActivation: ud2m_activation {
        switch self {
        case .none: UD2M_ACTIVATION_NONE
        case .silu: UD2M_ACTIVATION_SILU
        case .relu: UD2M_ACTIVATION_RELU
        case .leakyReLU: UD2M_ACTIVATION_LEAKY_RELU
        case .sigmoid: UD2M_ACTIVATION_SIGMOID
        }
    }

    /// The slope for negative values; 0 where the function has none.
    var slope: Float { if case .leakyReLU(let slope) = self { slope } else { 0 } }
}
