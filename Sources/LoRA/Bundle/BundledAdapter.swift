import UD2MFormats

/// An adapter in the one form that bundles hold: plain factors in single precision, whole replacements and differences,
/// each under the full name of the base's tensor.
///
/// Kinds that are no product of two factors (DoRA, LoHa, LoKr) become the differences that they make, computed in double
/// precision and rounded once.
struct BundledAdapter {
    /// The adapter as the bundle will describe it.
    let adapter: Adapter
    /// Its tensors.
    let tensors: [TensorInput]
    /// What a person should know, as sentences.
    let notes: [String]

    /// Computes the form of an adapter that is held against its base.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-name-ambiguous` when two targets change one tensor,
    ///   `adapter-not-finite`, or what reading throws.
    init(_ binding: AdapterBinding) throws {
        var targets: [AdapterTarget] = []
        var tensors: [TensorInput] = []
        var seen: Set<TensorName> = []
        var computed: [String: Int] = [:]
        var rounded = 0
        for pair in binding.pairs {
            let name = pair.tensor.name
            guard seen.insert(name).inserted else {
                throw UD2MError(
                    .adapterNameAmbiguous, "Two of the adapter's targets change the same tensor of the base.",
                    at: .init(file: binding.adapter.path, tensor: name.text),
                    remedy: "Merge them first: ud2m-lora combine.")
            }
            let form = try BundledChange(pair)
            if pair.target.change.kind != form.change.kind { computed[pair.target.change.kind, default: 0] += 1 }
            rounded += form.change.kind == pair.target.change.kind && pair.target.change.isDouble ? 1 : 0
            let (module, parameter) = Self.split(name.text)
            targets.append(AdapterTarget(module: module, parameter: parameter, change: form.change))
            tensors += form.tensors.map { part, tensor in
                TensorInput(
                    tensor, name: TensorName("\(TaskBundle.Prefix.adapter)\(name.text).\(part)"), elementType: .f32)
            }
        }
        adapter = Adapter(
            path: binding.adapter.path, convention: binding.adapter.convention, targets: targets,
            baseName: binding.adapter.baseName)
        self.tensors = tensors
        notes =
            computed.sorted { $0.key < $1.key }.map { kind, count in
                "\(count) changes of kind \(kind) are stored as the whole differences that they make."
            } + (rounded > 0 ? ["\(rounded) changes in double precision are rounded to single precision."] : [])
    }

    /// The module and the parameter of a tensor.
    private static func split(_ name: String) -> (module: String, parameter: String) {
        guard let dot = name.lastIndex(of: ".") else { return ("", name) }
        return (String(name[..<dot]), String(name[name.index(after: dot)...]))
    }
}

/// One change in the form that bundles hold.
private struct BundledChange {
    let change: AdapterChange
    /// What its tensors are called behind the target's name.
    let tensors: [(part: String, tensor: TensorSource)]

    init(_ pair: AdapterBinding.Pair) throws {
        switch pair.target.change {
        case .lowRank(let factors) where factors.magnitude == nil:
            let up = try Self.matrix("up", factors.up)
            let down = try Self.matrix("down", factors.down)
            change = .lowRank(
                LowRankFactors(up: try Factor(up), down: try Factor(down), scale: factors.scale))
            tensors = [("up", up), ("down", down)]
        case .replacement(let tensor):
            change = pair.target.change
            tensors = [("replacement", tensor)]
        case .difference(var tensor, let scale):
            // Files may drop or add sizes of 1; the bundle has the base's shape. Only dense tensors can be renamed so.
            if tensor.shape != pair.tensor.shape {
                tensor = TensorSource(computed: "difference", try tensor.finiteValues(), shape: pair.tensor.shape)
            }
            change = .difference(tensor, scale: scale)
            tensors = [("difference", tensor)]
        default:
            let difference = TensorSource(
                computed: "difference", try Self.difference(pair), shape: pair.tensor.shape)
            change = .difference(difference, scale: 1)
            tensors = [("difference", difference)]
        }
    }

    /// A factor's numbers as the matrix it stands for.
    private static func matrix(_ name: String, _ factor: Factor) throws -> TensorSource {
        TensorSource(computed: name, try factor.values(Float.self), shape: [factor.rows, factor.columns])
    }

    /// What a change makes of the base's tensor, less the tensor.
    private static func difference(_ pair: AdapterBinding.Pair) throws -> [Float] {
        let merged = MergedStorage(
            base: pair.tensor, steps: [MergeStep(change: pair.target.change, strength: 1)], elementType: .f64,
            arithmetic: .f64, ledger: MergeLedger())
        var values: [Double] = try pair.tensor.values()
        try merged.withBytes { bytes in
            for index in values.indices {
                let sum = bytes.loadUnaligned(
                    fromByteOffset: index * MemoryLayout<Double>.size, as: Double.self)
                values[index] = sum - values[index]
            }
        }
        let rounded = values.map { Float($0) }
        guard rounded.allSatisfy(\.isFinite) else {
            throw UD2MError(
                .adapterNotFinite, "The change has numbers that are not finite.",
                at: .init(tensor: pair.tensor.name.text))
        }
        return rounded
    }
}

extension AdapterChange {
    /// Whether some of its numbers are in double precision.
    fileprivate var isDouble: Bool { tensors.contains { $0.elementType == .f64 } }
}
