import UD2MFormats

/// How a tensor of the base changes. W is the tensor as a matrix of its outermost dimension by all others.
public enum AdapterChange: Sendable {
    /// W + s·U·D (LoRA), with a new length for each row or column where there is a magnitude (DoRA).
    case lowRank(LowRankFactors)
    /// W + s·(U₁·D₁ ⊙ U₂·D₂) (LoHa); the scale and DoRA's lengths are the first's.
    case hadamard(LowRankFactors, LowRankFactors)
    /// W + s·(A ⊗ B) (LoKr).
    case kronecker(KroneckerFactors)
    /// W + s·Δ: a whole tensor of differences.
    case difference(TensorSource, scale: Double)
    /// A whole tensor in place of W.
    case replacement(TensorSource)

    /// The word for it in reports.
    public var kind: String {
        switch self {
        case .lowRank(let factors): factors.magnitude == nil ? "lora" : "dora"
        case .hadamard: "loha"
        case .kronecker: "lokr"
        case .difference: "difference"
        case .replacement: "replacement"
        }
    }

    /// Whether the tensor changes as a whole rather than through factors.
    public var isWhole: Bool {
        switch self {
        case .difference, .replacement: true
        default: false
        }
    }

    /// The rank of the factors; nil for whole tensors, and for a Kronecker product whose sides are both whole.
    public var rank: Int? {
        switch self {
        case .lowRank(let factors), .hadamard(let factors, _): factors.rank
        case .kronecker(let factors): factors.rank
        case .difference, .replacement: nil
        }
    }

    /// What the product is multiplied by; 1 where nothing is.
    public var scale: Double {
        switch self {
        case .lowRank(let factors), .hadamard(let factors, _): factors.scale.value
        case .kronecker(let factors): factors.scale
        case .difference(_, let scale): scale
        case .replacement: 1
        }
    }

    /// The lengths that DoRA gives to rows or columns of W + the change; nil for kinds without.
    public var magnitude: LowRankFactors.Magnitude? {
        switch self {
        case .lowRank(let factors), .hadamard(let factors, _): factors.magnitude
        case .kronecker(let factors): factors.magnitude
        case .difference, .replacement: nil
        }
    }

    /// The numerator of the scale, where the change has one.
    public var alpha: Double? {
        switch self {
        case .lowRank(let factors), .hadamard(let factors, _): factors.scale.alpha
        case .kronecker, .difference, .replacement: nil
        }
    }

    /// Numbers that the file holds for it.
    public var parameterCount: Int { tensors.reduce(0) { $0 + $1.elementCount } }

    /// The tensors it is made of.
    public var tensors: [TensorSource] {
        switch self {
        case .lowRank(let factors): factors.tensors
        case .hadamard(let first, let second): first.tensors + second.tensors
        case .kronecker(let factors):
            factors.left.tensors + factors.right.tensors + [factors.magnitude?.tensor].compactMap(\.self)
        case .difference(let tensor, _), .replacement(let tensor): [tensor]
        }
    }

    /// The sizes of W as a matrix.
    public var matrixShape: (rows: Int, columns: Int) {
        switch self {
        case .lowRank(let factors), .hadamard(let factors, _): (factors.up.rows, factors.down.columns)
        case .kronecker(let factors): (factors.rows, factors.columns)
        case .difference(let tensor, _), .replacement(let tensor):
            (tensor.shape.first ?? 1, tensor.shape.dropFirst().productOrMaximum)
        }
    }
}

/// The factors of a low-rank change: U [rows, r] and D [r, columns].
public struct LowRankFactors: Sendable {
    /// U, [rows, r].
    public var up: Factor
    /// D, [r, columns].
    public var down: Factor
    /// What U·D is multiplied by.
    public var scale: AdapterScale
    /// The lengths that DoRA gives to rows or columns of W + s·U·D; nil for plain LoRA.
    public var magnitude: Magnitude?
    /// The kind of layer, where W alone does not tell what the factors are to it.
    public var layer = Layer.plain

    /// What kind of layer has W. All but plain ones keep the transposes of U and D.
    public enum Layer: Sendable, Hashable {
        /// A linear layer or convolution: W has a row for each output.
        case plain
        /// An embedding: W has a row for each word. PEFT's `lora_embedding_A` [r, words] and `lora_embedding_B` [width, r].
        case embedding
        /// A linear layer that is stored inputs first: PEFT's `fan_in_fan_out`.
        case inputsFirst
    }

    /// The lengths of DoRA.
    public struct Magnitude: Sendable {
        /// The lengths, one a row, or one an input channel.
        public var tensor: TensorSource
        /// Whether each input channel has a length, as LyCORIS trains them, instead of each row.
        public var isOfInputs: Bool
    }

    /// The rank.
    public var rank: Int { down.rows }
    /// The tensors they are made of.
    var tensors: [TensorSource] { up.tensors + down.tensors + [magnitude?.tensor].compactMap(\.self) }

    /// Creates factors.
    public init(
        up: Factor, down: Factor, scale: AdapterScale, magnitude: Magnitude? = nil, layer: Layer = .plain
    ) {
        self.up = up
        self.down = down
        self.scale = scale
        self.magnitude = magnitude
        self.layer = layer
    }
}

/// The factors of a Kronecker product A ⊗ B.
public struct KroneckerFactors: Sendable {
    /// One side, stored whole or as two factors.
    public enum Side: Sendable {
        /// The matrix itself, its outermost dimension by all others.
        case whole(Factor)
        /// U·D.
        case product(up: Factor, down: Factor)

        /// The sizes of the matrix.
        var shape: (rows: Int, columns: Int) {
            switch self {
            case .whole(let factor): (factor.rows, factor.columns)
            case .product(let up, let down): (up.rows, down.columns)
            }
        }

        var rank: Int? { if case .product(_, let down) = self { down.rows } else { nil } }

        var tensors: [TensorSource] {
            switch self {
            case .whole(let factor): factor.tensors
            case .product(let up, let down): up.tensors + down.tensors
            }
        }
    }

    /// A.
    public var left: Side
    /// B.
    public var right: Side
    /// What the product is multiplied by.
    public var scale: Double
    /// The lengths that DoRA gives to rows or columns of W + the product; nil for plain LoKr.
    public var magnitude: LowRankFactors.Magnitude?
    /// Positions of the kernel where PEFT multiplies A [a, c] with a whole B [b, d, k] of a one-dimensional convolution.
    /// Nil for the usual product.
    ///
    /// PEFT 0.21 hands `torch.kron` the two as they are, which takes A for [1, a, c]: the result [b, a·d, c·k] is then read
    /// as [a·b, c·d, k]. LyCORIS, and PEFT with four dimensions or with factors of B, take A for [a, c, 1].
    public var unalignedKernel: Int?

    /// Rows of the product.
    public var rows: Int { left.shape.rows * right.shape.rows }
    /// Columns of the product.
    public var columns: Int { left.shape.columns * right.shape.columns }
    /// The rank of the side that is factored, the right one where both are.
    public var rank: Int? { right.rank ?? left.rank }
}

/// What a product of factors is multiplied by, kept as the file says it so that conversions are exact.
public struct AdapterScale: Sendable, Hashable {
    /// The numerator.
    public var alpha: Double
    /// The rank that divides it.
    public var rank: Int
    /// Whether the square root of the rank divides instead (rsLoRA).
    public var usesRootOfRank: Bool
    /// What the scale is multiplied by besides (LyCORIS `scalar`).
    public var multiplier: Double

    /// Creates a scale.
    public init(alpha: Double, rank: Int, usesRootOfRank: Bool = false, multiplier: Double = 1) {
        self.alpha = alpha
        self.rank = rank
        self.usesRootOfRank = usesRootOfRank
        self.multiplier = multiplier
    }

    /// The number.
    public var value: Double {
        let divisor = Double(max(rank, 1))
        let scale = alpha / (usesRootOfRank ? divisor.squareRoot() : divisor)
        return multiplier == 1 ? scale : scale * multiplier
    }

    /// The numerator that gives the same scale when divided by the rank; rounded where the file has it otherwise.
    public var plainAlpha: Double {
        usesRootOfRank || multiplier != 1 ? value * Double(max(rank, 1)) : alpha
    }
}
