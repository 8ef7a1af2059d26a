import UD2MFormats
import UD2MLinearAlgebra

/// Changes turned into the forms that a convention has a place for.
extension AdapterTarget {
    /// A whole tensor as the kind of whole tensor that a convention has: kohya keeps differences, UD2M and PEFT keep
    /// replacements. Anything else stays as it is, and so does everything where the base's tensor is not at hand.
    /// - Parameters:
    ///   - convention: The convention of the result.
    ///   - tensor: The base's tensor.
    /// - Returns: The target with the change that the convention holds.
    /// - Throws: ``UD2MFormats/UD2MError`` with a `matrix-…` code, or what reading throws.
    func wholeTensorHeld(by convention: AdapterConvention, base tensor: TensorSource?) throws -> AdapterTarget {
        guard let tensor else { return self }
        var result = self
        switch (change, convention) {
        case (.replacement(let source), .kohya):
            let matrix = try tensor.difference(to: source)
            result.change = .difference(
                TensorSource(computed: tensorName.text, matrix.values, shape: tensor.shape), scale: 1)
        case (.difference(let source, let scale), .kohya) where scale != 1:
            let values: [Double] = try source.finiteValues()
            result.change = .difference(
                TensorSource(computed: tensorName.text, values.map { Float($0 * scale) }, shape: source.shape), scale: 1
            )
        case (.difference, .ud2m), (.difference, .peft):
            result.change = .replacement(
                TensorSource(merging: [MergeStep(change: change, strength: 1)], into: tensor, as: tensor.elementType))
        default: break
        }
        return result
    }

    /// Whether the change can be approximated by plain factors: LoHa, LoKr, DoRA and Tucker cores.
    var isApproximable: Bool {
        switch change {
        case .hadamard, .kronecker: true
        case .lowRank(let factors):
            factors.layer == .plain && (factors.magnitude != nil || factors.down.core != nil)
        case .difference, .replacement: false
        }
    }

    /// The best plain factors of a chosen rank for the change.
    /// - Parameters:
    ///   - choice: How the rank is chosen.
    ///   - convention: The convention that the factors are for.
    ///   - tensor: The base's tensor, which the change of DoRA depends on.
    /// - Returns: The target, nil where no rank is left of it, and the error.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-expressible` for DoRA without its base, or a
    ///   `matrix-…` code.
    func approximated(
        to choice: RankChoice, for convention: AdapterConvention, base tensor: TensorSource?
    ) throws -> (target: AdapterTarget?, layer: LayerError) {
        let result = try lowRank(choice, base: tensor)
        let layer = LayerError(
            tensor: tensorName, kind: "lora", rank: result.factors.rank, norm: result.spectrum.norm, error: result.error
        )
        guard result.factors.rank > 0 else { return (nil, layer) }
        let kernel = tensor.map { Array($0.shape.dropFirst(2)) } ?? change.kernel
        var target = self
        target.change = .lowRank(try convention.factors(result.factors, named: module, kernel: kernel))
        return (target, layer)
    }

    private func lowRank(_ choice: RankChoice, base tensor: TensorSource?) throws -> LowRankApproximation {
        guard change.magnitude != nil else {
            if let product = try change.product() { return try product.resized(to: choice) }
            return try change.dense().lowRank(choice)
        }
        guard let tensor else {
            throw UD2MError(
                .adapterNotExpressible, "DoRA's change depends on the network.", at: .init(tensor: tensorName.text),
                remedy: "Pass --base with the network that the adapter belongs to.")
        }
        // In double precision, so that nothing but the difference is rounded.
        let merged = TensorSource(merging: [MergeStep(change: change, strength: 1)], into: tensor, as: .f64)
        return try tensor.difference(to: merged).lowRank(choice)
    }
}

extension FloatMatrix {
    /// The approximation of a matrix at a chosen rank.
    func lowRank(_ choice: RankChoice) throws(UD2MError) -> LowRankApproximation {
        try withView { (view) throws(UD2MError) in try view.lowRank(choice) }
    }
}
