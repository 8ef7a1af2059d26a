import Synchronization
import UD2MFormats
import UD2MLinearAlgebra

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The difference of two networks as an adapter: factors where they are smaller than the tensor, whole tensors elsewhere.
///
/// Nothing is clamped and nothing dropped: what cannot be factored is kept whole, and what is approximated has its error
/// stated.
public struct AdapterExtraction: Sendable {
    /// How to extract.
    public struct Options: Sendable {
        /// How ranks are chosen.
        public var policy: RankPolicy
        /// The convention that the result is for.
        public var convention: AdapterConvention
        /// The seed of the random vectors that large layers are approximated with.
        public var seed: UInt64 = 0
        /// The highest rank of a layer where a size is shared out.
        public var maximumRank = 128
        /// Which tensors are kept whole although factors would be smaller, such as a final layer that was trained whole.
        public var keepsWhole: @Sendable (TensorName) -> Bool = { _ in false }
        /// Called after each tensor with the bytes of it.
        public var progress: @Sendable (_ bytes: Int) -> Void = { _ in }

        /// Creates the defaults.
        public init(policy: RankPolicy, convention: AdapterConvention) {
            self.policy = policy
            self.convention = convention
        }
    }

    /// Tensors that are the same in both networks.
    public let unchanged: [TensorName]
    /// Tensors that only one network has, or that are no floating-point numbers and differ.
    public let unexplained: [TensorName]
    private let pairs: [Pair]
    private let options: Options
    private let basePath: String?
    private let tunedPath: String

    private struct Pair: Sendable {
        let base: TensorSource
        let tuned: TensorSource

        var isFactorable: Bool {
            let shape = base.shape
            return base.name.text.hasSuffix(".weight") && shape.count >= 2 && shape[0] > 1
                && shape.dropFirst().productOrMaximum > 1
        }
    }

    /// Compares two networks; reads both once.
    /// - Parameters:
    ///   - base: The tensors before.
    ///   - tuned: The tensors after.
    ///   - basePath: The file of the first, for errors.
    ///   - tunedPath: The file of the second, for errors.
    ///   - options: How.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-base-mismatch` for tensors of different shapes, `rank-choice`,
    ///   or what reading throws.
    public init(
        base: [TensorSource], tuned: [TensorSource], basePath: String? = nil, tunedPath: String, options: Options
    ) throws {
        self.basePath = basePath
        self.tunedPath = tunedPath
        try options.policy.validate()
        let byName = Dictionary(tuned.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = Set(base.map(\.name))
        var unexplained = tuned.map(\.name).filter { !names.contains($0) }
        var common: [Pair] = []
        for tensor in base {
            guard let other = byName[tensor.name] else {
                unexplained.append(tensor.name)
                continue
            }
            guard other.shape == tensor.shape else {
                throw UD2MError(
                    .adapterBaseMismatch,
                    "The tensor is \(other.shape) in one network and \(tensor.shape) in the other.",
                    at: .init(file: tunedPath, tensor: tensor.name.text),
                    remedy: "Name two versions of the same network.")
            }
            common.append(Pair(base: tensor, tuned: other))
        }
        let equal = Mutex([Bool](repeating: false, count: common.count))
        let all = common
        try Workers.run(count: all.count, threads: Workers.count(limit: 8)) { index in
            let isEqual = try all[index].base.hasSameNumbers(as: all[index].tuned)
            equal.withLock { $0[index] = isEqual }
        }
        let isEqual = equal.withLock { $0 }
        unchanged = zip(all, isEqual).filter(\.1).map(\.0.base.name)
        let different = zip(all, isEqual).filter { !$0.1 }.map(\.0)
        let numeric = different.filter { pair in
            [pair.base, pair.tuned].allSatisfy { $0.elementType.isFloatingPoint && $0.torchType == nil }
        }
        let numericNames = Set(numeric.map(\.base.name))
        unexplained += different.map(\.base.name).filter { !numericNames.contains($0) }
        self.unexplained = unexplained.sorted()
        pairs = numeric
        self.options = options
    }

    /// Bytes of the tensors that differ, for progress.
    public var byteCount: Int { pairs.reduce(0) { $0 + $1.base.byteCount } }

    /// Decomposes every difference.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite` for networks that are not finite, `lapack-missing`
    ///   and the like; the location names the tensor.
    public func adapter(path: String) throws -> ComputedAdapter {
        // One thread a layer: the layers are many, and the order of sums then does not depend on the machine.
        BLASThreads.set(1)
        let found = Mutex([Approximation?](repeating: nil, count: pairs.count))
        try Workers.run(count: pairs.count, threads: Workers.count(limit: 8)) { index in
            let pair = pairs[index]
            do {
                let result = try approximation(of: pair)
                found.withLock { $0[index] = result }
            } catch let error as UD2MError {
                throw error.located(in: .init(tensor: pair.base.name.text))
            }
            options.progress(pair.base.byteCount)
        }
        let approximations = try shared(found.withLock { $0.compactMap(\.self) })
        var targets: [AdapterTarget] = []
        var layers: [LayerError] = []
        for (pair, item) in zip(pairs, approximations) {
            let (target, layer) = try result(pair, item)
            layers.append(layer)
            if let target { targets.append(target) }
        }
        return ComputedAdapter(
            adapter: Adapter(path: path, convention: options.convention, targets: targets),
            layers: layers.sorted { $0.tensor < $1.tensor })
    }

    private enum Approximation: Sendable {
        case factors(LowRankApproximation)
        /// Kept whole; the norm of the difference.
        case whole(Double)
    }

    private func approximation(of pair: Pair) throws -> Approximation {
        let matrix = try pair.base.difference(to: pair.tuned)
        guard matrix.values.allSatisfy(\.isFinite) else { throw try notFinite(pair) }
        guard pair.isFactorable, !options.keepsWhole(pair.base.name) else {
            return .whole(try matrix.withView { (view) throws(UD2MError) in try view.energy() }.squareRoot())
        }
        let choice: RankChoice
        switch options.policy {
        case .each(let each): choice = each
        case .parameters(let budget):
            choice = .rank(max(1, min(options.maximumRank, budget / (matrix.rows + matrix.columns))))
        }
        let sketch = SketchOptions(random: CounterRandom(seed: options.seed, name: pair.base.name.text))
        let result = try matrix.withView { (view) throws(UD2MError) in try view.lowRank(choice, options: sketch) }
        // Factors that are larger than the tensor are no compression, only a loss.
        guard case .each = options.policy, result.factors.parameterCount >= matrix.rows * matrix.columns else {
            return .factors(result)
        }
        return .whole(result.spectrum.norm)
    }

    /// Which side of a difference is not finite.
    private func notFinite(_ pair: Pair) throws -> UD2MError {
        for (tensor, path) in [(pair.base, basePath), (pair.tuned, tunedPath)] {
            guard try !(tensor.values() as [Double]).allSatisfy(\.isFinite) else { continue }
            return UD2MError(
                .adapterNotFinite, "The network has numbers that are not finite.",
                at: .init(file: path, tensor: tensor.name.text),
                remedy: "Its training diverged, or the file is damaged.")
        }
        return UD2MError(
            .adapterNotFinite, "The difference of the networks is beyond what single precision holds.",
            at: .init(file: tunedPath, tensor: pair.tuned.name.text))
    }

    /// Cuts the ranks so that all factors together have the size asked for.
    private func shared(_ items: [Approximation]) throws(UD2MError) -> [Approximation] {
        guard case .parameters(let budget) = options.policy else { return items }
        var layers: [RankBudget.Layer] = []
        for case .factors(let item) in items {
            layers.append(
                RankBudget.Layer(
                    spectrum: Spectrum(
                        values: Array(item.spectrum.values.prefix(item.factors.rank)), energy: item.spectrum.energy,
                        fullRank: item.spectrum.fullRank, isComplete: false),
                    parametersPerRank: item.factors.rows + item.factors.columns))
        }
        var ranks = try RankBudget.ranks(of: layers, parameters: budget)[...]
        var cut: [Approximation] = []
        for item in items {
            guard case .factors(let approximation) = item, let rank = ranks.popFirst() else {
                cut.append(item)
                continue
            }
            cut.append(.factors(try approximation.truncated(to: rank)))
        }
        return cut
    }

    private func result(_ pair: Pair, _ item: Approximation) throws -> (AdapterTarget?, LayerError) {
        let name = pair.base.name
        let (module, parameter) = Self.split(name.text)
        switch item {
        case .factors(let result):
            let layer = LayerError(
                tensor: name, kind: "lora", rank: result.factors.rank, norm: result.spectrum.norm, error: result.error)
            guard result.factors.rank > 0 else { return (nil, layer) }
            let factors = try options.convention.factors(
                result.factors, named: module, kernel: Array(pair.base.shape.dropFirst(2)))
            return (AdapterTarget(module: module, parameter: parameter, change: .lowRank(factors)), layer)
        case .whole(let norm):
            let change: AdapterChange
            if options.convention == .ud2m || options.convention == .peft {
                change = .replacement(pair.tuned)
            } else {
                let matrix = try pair.base.difference(to: pair.tuned)
                change = .difference(
                    TensorSource(computed: name.text, matrix.values, shape: pair.base.shape), scale: 1)
            }
            let layer = LayerError(tensor: name, kind: change.kind, rank: nil, norm: norm, error: 0)
            return (AdapterTarget(module: module, parameter: parameter, change: change), layer)
        }
    }

    private static func split(_ name: String) -> (module: String, parameter: String) {
        guard let dot = name.lastIndex(of: ".") else { return ("", name) }
        return (String(name[..<dot]), String(name[name.index(after: dot)...]))
    }
}

extension TensorSource {
    /// Whether both hold the same numbers, or the same bytes where they are none.
    fileprivate func hasSameNumbers(as other: TensorSource) throws -> Bool {
        guard elementType != other.elementType else {
            return try withContiguousBytes { a in
                try other.withContiguousBytes { b in
                    guard a.count == b.count, let left = a.baseAddress, let right = b.baseAddress else {
                        return a.count == b.count
                    }
                    return memcmp(left, right, a.count) == 0
                }
            }
        }
        guard elementType.isFloatingPoint, other.elementType.isFloatingPoint else { return false }
        return try values() as [Double] == other.values()
    }

    /// The other tensor minus this one, as a matrix of the outermost dimension by all others, rounded once.
    func difference(to other: TensorSource) throws -> FloatMatrix {
        let rows = max(shape.first ?? 1, 1)
        var difference = try other.values() as [Float]
        if elementType == .f64 || other.elementType == .f64 {
            let (a, b): ([Double], [Double]) = (try values(), try other.values())
            for index in difference.indices { difference[index] = Float(b[index] - a[index]) }
        } else {
            var start = 0
            // Floats from both sides: their difference is rounded once.
            try stream(as: .f32) { bytes in
                for index in 0..<bytes.count / 4 {
                    difference[start + index] -= bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
                }
                start += bytes.count / 4
            }
        }
        return try FloatMatrix(rows: rows, columns: difference.count / rows, values: difference)
    }
}
