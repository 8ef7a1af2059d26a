import UD2MFormats

/// A tensor that an architecture expects: its name and shape.
public struct ParameterDescription: Sendable, Hashable {
    /// The name in the store.
    public let name: TensorName
    /// The shape, outermost first.
    public let shape: [Int]

    /// Creates a description.
    public init(_ name: String, _ shape: [Int]) {
        self.name = TensorName(name)
        self.shape = shape
    }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }
}
