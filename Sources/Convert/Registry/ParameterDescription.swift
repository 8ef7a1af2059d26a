import UD2MFormats

/// A tensor that an architecture expects: its name and shape.
public struct ParameterDescription: Sendable, Hashable {
    /// The name in the store.
    public let name: TensorName
    /// The shape, outermost first.
    public let shape: [Int]
    /// Whether it is a statistic that training gathers rather than learns; such tensors are not counted as parameters.
    public let isBuffer: Bool

    /// Creates a description.
    public init(_ name: String, _ shape: [Int], isBuffer: Bool = false) {
        self.name = TensorName(name)
        self.shape = shape
        self.isBuffer = isBuffer
    }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }
}

/// Collects parameters layer by layer.
struct ParameterList {
    private(set) var parameters: [ParameterDescription] = []

    mutating func add(_ name: String, _ shape: [Int], isBuffer: Bool = false) {
        parameters.append(ParameterDescription(name, shape, isBuffer: isBuffer))
    }

    /// A weight and a bias of the weight's first dimension.
    mutating func affine(_ prefix: String, _ shape: [Int]) {
        add("\(prefix).weight", shape)
        add("\(prefix).bias", [shape[0]])
    }

    /// A square convolution with bias.
    mutating func convolution(_ prefix: String, _ out: Int, _ input: Int, side: Int = 3) {
        affine(prefix, [out, input, side, side])
    }
}
