import UD2MFormats
import UD2MLoRA
import UD2MRuntime

/// Reads adapters of every form for the network of one store.
struct AdapterReading {
    /// The network's file.
    let store: String
    let flags: AdapterFlags

    /// Reads an adapter.
    /// - Throws: ``UD2MFormats/UD2MError``: `bundle-base-other` for a bundle of another network, `adapter-base-mismatch`
    ///   for another adapter of one, or what is wrong with the file.
    func adapter(_ path: String) throws -> NetworkAdapter {
        if TaskBundle.isBundle(path: path) {
            let bundle = try TaskBundle(path: path)
            // Only for its check: the network is loaded already.
            _ = try BaseLocator(folders: []).store(of: bundle.manifest.base, named: store)
            return try NetworkAdapter(store: bundle.store)
        }
        if let stored = try? WeightStore(path: path), stored.metadata[NetworkAdapter.manifestKey] != nil,
            stored.names.contains(where: { $0.hasPrefix("adapter.") })
        {
            return try NetworkAdapter(store: stored)
        }
        let opening = CheckpointInput()
        let input = try BaseInput(store, select: nil, opening)
        let binding = try AdapterBinding(flags.read(path, opening), to: input.base)
        try binding.requireComplete(base: store, allowUnmatched: false)
        do {
            return try NetworkAdapter(binding, base: input.base)
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }
}

extension NetworkAdapter {
    /// Takes over an adapter that is held against its base. Kinds that are no product of two factors (DoRA, LoHa, LoKr)
    /// become the tensors that they make of the base's, computed in double precision.
    /// - Throws: ``UD2MFormats/UD2MError``: `adapter-name-ambiguous` when two targets change one tensor, or what reading
    ///   throws.
    init(_ binding: AdapterBinding, base: AdapterBase) throws {
        let computed = try Self.computed(binding.split { !$0.change.isPlain }.kept, base: base)
        var changes: [String: WeightChange] = [:]
        for pair in binding.pairs {
            let name = pair.tensor.name.text
            guard changes[name] == nil else {
                throw UD2MError(
                    .adapterNameAmbiguous, "Two of the adapter's targets change the same tensor of the network.",
                    at: .init(tensor: name), remedy: "Merge them first: ud2m-lora combine.")
            }
            changes[name] =
                switch pair.target.change {
                case .lowRank(let factors) where factors.magnitude == nil:
                    .lowRank(
                        up: try factors.up.tensor(), down: try factors.down.tensor(), scale: factors.scale.value)
                case .difference(let tensor, let scale):
                    .difference(try tensor.tensor(shape: pair.tensor.shape), scale: scale)
                case .replacement(let tensor): .replacement(try tensor.tensor(shape: pair.tensor.shape))
                case .lowRank, .hadamard, .kronecker: computed[name]
                }
        }
        try self.init(changes: changes)
    }

    /// The tensors after the changes of a binding.
    private static func computed(_ binding: AdapterBinding, base: AdapterBase) throws -> [String: WeightChange] {
        guard !binding.pairs.isEmpty else { return [:] }
        let types = Dictionary(
            binding.pairs.map { ($0.tensor.name, ElementType.f32) }, uniquingKeysWith: { first, _ in first })
        let plan = MergePlan(
            base: base, adapters: [WeightedAdapter(binding)], arithmetic: .f64, elementTypes: types)
        let changed = Set(plan.changed)
        var changes: [String: WeightChange] = [:]
        for tensor in plan.tensors where changed.contains(tensor.name) {
            changes[tensor.name.text] = .replacement(try tensor.tensor(shape: tensor.shape))
        }
        return changes
    }
}

extension AdapterChange {
    /// Whether it is a product of two factors or a whole tensor.
    fileprivate var isPlain: Bool {
        switch self {
        case .lowRank, .difference, .replacement: magnitude == nil
        case .hadamard, .kronecker: false
        }
    }
}

extension Factor {
    fileprivate func tensor() throws -> Tensor { try Tensor(shape: [rows, columns], values: floats()) }
}

extension TensorSource {
    /// All elements in single precision; files may drop or add sizes of 1 to `shape`.
    fileprivate func tensor(shape: [Int]) throws -> Tensor {
        var values: [Float] = []
        values.reserveCapacity(elementCount)
        try stream(as: .f32) { bytes in
            for offset in stride(from: 0, to: bytes.count, by: MemoryLayout<Float>.size) {
                values.append(bytes.loadUnaligned(fromByteOffset: offset, as: Float.self))
            }
        }
        return try Tensor(shape: shape, values: values)
    }
}
