import UD2MFormats
import UD2MLinearAlgebra

/// Several adapters as one.
public struct AdapterCombination: Sendable {
    /// How changes of the same tensor are put together.
    public enum Method: Sendable, Hashable {
        /// Their exact weighted sum: factors side by side, and a lower rank only where a policy asks for it.
        case sum
        /// Element by element, then decomposed again (TIES, DARE, pruning).
        case merge(MergeMethod, seed: UInt64)
    }

    /// An adapter and its weight.
    public struct Item: Sendable {
        /// The adapter.
        public let adapter: Adapter
        /// What its changes are multiplied by.
        public let weight: Double

        /// Creates an item.
        public init(_ adapter: Adapter, weight: Double = 1) {
            self.adapter = adapter
            self.weight = weight
        }
    }

    private struct Key: Hashable, Comparable {
        let component: String
        let module: String
        let parameter: String

        static func < (lhs: Key, rhs: Key) -> Bool {
            (lhs.component, lhs.module, lhs.parameter) < (rhs.component, rhs.module, rhs.parameter)
        }
    }

    private struct Term {
        let target: AdapterTarget
        let weight: Double
    }

    private let items: [Item]
    private let method: Method
    private let ranks: RankChoice?
    private let base: AdapterBase?
    private let convention: AdapterConvention

    /// Plans a combination.
    /// - Parameters:
    ///   - items: At least one.
    ///   - method: How.
    ///   - ranks: The ranks of the result; nil for the exact sum, or as many as the terms have together.
    ///   - convention: The convention that the result is for.
    ///   - base: The network, which weighted replacements of whole tensors need.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `rank-choice`.
    public init(
        _ items: [Item], method: Method = .sum, ranks: RankChoice? = nil, convention: AdapterConvention,
        base: AdapterBase? = nil
    ) throws(UD2MError) {
        try ranks?.validate()
        self.items = items
        self.method = method
        self.ranks = ranks
        self.base = base
        self.convention = convention
    }

    /// Combines the adapters.
    /// - Returns: The adapter with the error of each change against what the method asks for.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-kind`, `adapter-shape`, `adapter-not-expressible`,
    ///   `merge-parameter`, or a `matrix-…` code; the location names the tensor.
    public func adapter(path: String) throws -> ComputedAdapter {
        BLASThreads.set(1)
        var terms: [Key: [Term]] = [:]
        for item in items {
            for target in item.adapter.targets {
                // A name without dots and the same one with them are one module.
                let key = Key(
                    component: target.component ?? "unet", module: AdapterNames.flattened(target.module),
                    parameter: target.parameter)
                terms[key, default: []].append(Term(target: target, weight: item.weight))
            }
        }
        var targets: [AdapterTarget] = []
        var layers: [LayerError] = []
        for (_, terms) in terms.sorted(by: { $0.key < $1.key }) {
            guard var target = terms.first(where: { !$0.target.isFlattened })?.target ?? terms.first?.target else {
                continue
            }
            do {
                let (change, layer) = try combined(terms, target)
                layers.append(layer)
                guard let change else { continue }
                target.change = change
                target.original = nil
                targets.append(target)
            } catch let error as UD2MError {
                throw error.located(in: .init(tensor: target.tensorName.text))
            }
        }
        return ComputedAdapter(
            adapter: Adapter(
                path: path, convention: convention, targets: targets, notes: items.flatMap(\.adapter.notes),
                changedBase: items.lazy.compactMap(\.adapter.changedBase).first?.ofOtherFactors),
            layers: layers)
    }

    private func combined(_ terms: [Term], _ target: AdapterTarget) throws -> (AdapterChange?, LayerError) {
        if terms.contains(where: \.target.change.isWhole) { return try whole(terms, target) }
        for term in terms { try term.target.requireFactors() }
        let shape = target.change.matrixShape
        guard terms.allSatisfy({ $0.target.change.matrixShape == shape }) else {
            throw UD2MError(.adapterShape, "The adapters change tensors of different shapes under this name.")
        }
        let kind = target.change.layer
        guard terms.allSatisfy({ $0.target.change.layer == kind }) else {
            throw UD2MError(
                .adapterShape, "The adapters take the layer for different kinds: an embedding, or stored inputs first.")
        }
        let result = try approximation(terms)
        let layer = LayerError(
            tensor: target.tensorName, kind: "lora", rank: result.factors.rank, norm: result.norm, error: result.error)
        guard result.factors.rank > 0 else { return (nil, layer) }
        let kernel = terms.lazy.map(\.target.change.kernel).first { !$0.isEmpty } ?? []
        let factors = try convention.factors(result.factors, named: target.module, kernel: kernel, layer: kind)
        return (.lowRank(factors), layer)
    }

    private func approximation(_ terms: [Term]) throws -> (factors: FactoredMatrix, norm: Double, error: Double) {
        let products = try terms.map { try $0.target.change.product() }
        let full = terms.reduce(0) { $0 + ($1.target.change.rank ?? 1) }
        if method == .sum, products.allSatisfy({ $0 != nil }) {
            let sum = zip(products, terms).compactMap { product, term in
                product.map { WeightedFactors($0, weight: term.weight) }
            }
            guard let ranks else {
                let factors = try FactoredMatrix.sum(sum)
                return (factors, try factors.spectrum().norm, 0)
            }
            let result = try FactoredMatrix.sum(sum, resizedTo: ranks)
            return (result.factors, result.spectrum.norm, result.error)
        }
        var (merge, seed) = (MergeMethod.sum, UInt64(0))
        if case .merge(let method, let chosen) = method { (merge, seed) = (method, chosen) }
        let dense = try terms.map { WeightedMatrix(try $0.target.change.dense(), weight: $0.weight) }
        let random = CounterRandom(seed: seed, name: terms[0].target.tensorName.text)
        let result = try merge.merged(dense, rank: ranks ?? .rank(full), random: random)
        return (result.factors, result.spectrum.norm, result.error)
    }

    /// Whole tensors: replacements as W + Σ weight·(W′ − W), differences added up.
    private func whole(_ terms: [Term], _ target: AdapterTarget) throws -> (AdapterChange, LayerError) {
        func layer(_ kind: String, _ norm: Double) -> LayerError {
            LayerError(tensor: target.tensorName, kind: kind, rank: nil, norm: norm, error: 0)
        }
        if terms.count == 1, terms[0].weight == 1 {
            return (terms[0].target.change, layer(terms[0].target.change.kind, 0))
        }
        let differences = try terms.compactMap { term -> [Double]? in
            guard case .difference(let tensor, let scale) = term.target.change else { return nil }
            return try (tensor.finiteValues() as [Double]).map { $0 * scale * term.weight }
        }
        if differences.count == terms.count, case .difference(let tensor, _) = terms[0].target.change,
            differences.allSatisfy({ $0.count == differences[0].count })
        {
            let sum = differences[0].indices.map { index in differences.reduce(0) { $0 + $1[index] } }
            let norm = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let source = TensorSource(computed: target.tensorName.text, sum.map { Float($0) }, shape: tensor.shape)
            return (.difference(source, scale: 1), layer("difference", norm))
        }
        guard let base, let tensor = try base.tensor(of: target), terms.allSatisfy({ $0.target.fits(tensor) }) else {
            throw UD2MError(
                .adapterNotExpressible,
                "\(terms.count) adapters change this tensor as a whole, or one does with a weight; what comes out depends on "
                    + "the network.", remedy: "Pass --base with the network that the adapters belong to.")
        }
        let steps = terms.map { MergeStep(change: $0.target.change, strength: $0.weight) }
        let merged = TensorSource(merging: steps, into: tensor, as: tensor.elementType)
        return (.replacement(merged), layer("replacement", 0))
    }
}
