/// How the parts of a sparse tensor stand for the whole (`formats.md` §5.6).
public struct TensorSparsity: Sendable, Hashable {
    /// PyTorch's name of the layout, such as `"torch.sparse_coo"`.
    public var layout: String
    /// The sizes of the whole tensor, outermost first.
    public var shape: [Int]
    /// Which part a tensor is, such as `"indices"` or `"values"`.
    public var part: String

    /// Creates a description.
    public init(layout: String, shape: [Int], part: String) {
        self.layout = layout
        self.shape = shape
        self.part = part
    }
}

/// What a tensor's elements stand for where ``ElementType`` alone does not say: `ud2w.quant` of a file's metadata
/// (`formats.md` §12.4, §12.5).
public struct TensorInterpretation: Sendable, Hashable {
    /// PyTorch's name of the type, such as `"complex32"` or `"qint8"`, where the element type only counts its bits.
    public var torchType: String?
    /// How integers stand for real numbers.
    public var quantisation: TensorQuantisation?
    /// How the tensor is a part of a sparse one.
    public var sparsity: TensorSparsity?

    /// The type whose elements are stored as pairs of doubles in one more dimension, since safetensors lacks it.
    static let complexDouble = "complex128"

    /// Elements that stand for themselves.
    public static let plain = TensorInterpretation()

    /// Creates an interpretation.
    public init(torchType: String? = nil, quantisation: TensorQuantisation? = nil, sparsity: TensorSparsity? = nil) {
        self.torchType = torchType
        self.quantisation = quantisation
        self.sparsity = sparsity
    }
}

extension TensorSource {
    /// What the elements stand for.
    public var interpretation: TensorInterpretation {
        get { TensorInterpretation(torchType: torchType, quantisation: quantisation, sparsity: sparsity) }
        set { (torchType, quantisation, sparsity) = (newValue.torchType, newValue.quantisation, newValue.sparsity) }
    }
}

extension UD2MError.Code {
    /// What a file's metadata says of a tensor's elements is malformed, or does not fit the tensor.
    public static let tensorInterpretation = Self("tensor-interpretation", .badData)
}
