import UD2MFormats
import UD2MLinearAlgebra

extension Adapter {
    /// The adapter with other ranks: the best approximation of each change, from QR of its factors and the singular values
    /// of the small core. LoHa and LoKr become LoRA this way too. Whole tensors stay as they are.
    /// - Parameters:
    ///   - policy: How ranks are chosen.
    ///   - convention: The convention that the result is for; this adapter's own unless given.
    /// - Returns: The adapter with the exact error of each change.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-kind` for DoRA, `adapter-not-finite`, `rank-choice`,
    ///   or a `matrix-…` code.
    public func resized(to policy: RankPolicy, convention: AdapterConvention? = nil) throws -> ComputedAdapter {
        try policy.validate()
        // The cores are small: BLAS threads would only wait for each other.
        BLASThreads.set(1)
        let convention = convention ?? self.convention
        let factored = targets.filter { !$0.change.isWhole }
        for target in factored { try target.requireFactors() }
        let ranks = try Self.ranks(of: factored, policy)
        var results = targets.filter(\.change.isWhole)
        var layers = try results.map { target in
            LayerError(
                tensor: target.tensorName, kind: target.change.kind, rank: nil, norm: try target.change.wholeNorm(),
                error: 0
            )
        }
        for (target, choice) in zip(factored, ranks) {
            let (name, shape) = (target.tensorName, target.change.matrixShape)
            guard let choice else {
                let norm = try target.change.spectrum().norm
                layers.append(LayerError(tensor: name, kind: "lora", rank: 0, norm: norm, error: norm))
                continue
            }
            let result: LowRankApproximation
            if let product = try target.change.product() {
                result = try product.resized(to: choice)
            } else {
                result = try target.change.dense().lowRank(choice)
            }
            layers.append(
                LayerError(
                    tensor: name, kind: "lora", rank: result.factors.rank, norm: result.spectrum.norm,
                    error: result.error))
            guard result.factors.rank > 0 else { continue }
            var resized = target
            let kernel = target.change.kernel
            let fits = shape.columns % max(kernel.reduce(1, *), 1) == 0
            resized.change = .lowRank(
                try convention.factors(
                    result.factors, named: target.module, kernel: fits ? kernel : [], layer: target.change.layer))
            results.append(resized)
        }
        let adapter = Adapter(
            path: path, convention: self.convention, targets: results, leftAside: leftAside, notes: notes,
            baseName: baseName, changedBase: changedBase?.ofOtherFactors)
        return ComputedAdapter(adapter: adapter, layers: layers.sorted { $0.tensor < $1.tensor })
    }

    /// The choice of each target; nil where a budget leaves it no rank.
    private static func ranks(of targets: [AdapterTarget], _ policy: RankPolicy) throws -> [RankChoice?] {
        switch policy {
        case .each(let choice): return targets.map { _ in choice }
        case .parameters(let budget):
            let layers = try targets.map { target in
                let shape = target.change.matrixShape
                return RankBudget.Layer(
                    spectrum: try target.change.spectrum(), parametersPerRank: shape.rows + shape.columns)
            }
            return try RankBudget.ranks(of: layers, parameters: budget).map { $0 > 0 ? .rank($0) : nil }
        }
    }
}

extension AdapterTarget {
    /// Refuses DoRA, whose factors do not tell its change.
    func requireFactors() throws(UD2MError) {
        guard change.magnitude != nil else { return }
        throw UD2MError(
            .adapterKind, "DoRA's change depends on the base, so that it has no factors of its own.",
            at: .init(tensor: tensorName.text), remedy: "Merge it into its base, and extract the difference.")
    }
}

extension AdapterChange {
    /// The singular values of the change, its scale included.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-kind` for DoRA and replacements, or what decomposing throws.
    public func spectrum() throws -> Spectrum {
        if let product = try product() { return try product.spectrum() }
        let matrix = try dense()
        return try matrix.withView { (view) throws(UD2MError) in
            try view.lowRank(.rank(min(matrix.rows, matrix.columns))).spectrum
        }
    }

    /// The norm of a whole tensor of differences; 0 for a replacement, whose change only the base tells.
    fileprivate func wholeNorm() throws -> Double {
        guard case .difference(let tensor, let scale) = self else { return 0 }
        let values: [Double] = try tensor.finiteValues()
        return abs(scale) * values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
}
