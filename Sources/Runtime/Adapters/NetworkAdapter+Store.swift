import UD2MFormats

extension NetworkAdapter {
    /// The metadata key under which a store describes its adapter (`schemas/adapter-manifest.schema.json`).
    public static let manifestKey = "ud2m.adapter"

    /// Reads the adapter of a store, such as that of a task-adapter bundle.
    ///
    /// For a tensor P of the network the store holds `P.up` [outermost, rank] and `P.down` [rank, others], or
    /// `P.replacement`, or `P.difference`, each behind `prefix`; the manifest in its metadata gives the scales.
    /// - Throws: ``UD2MFormats/UD2MError``: `change-manifest` when the manifest is missing, malformed or names a kind that
    ///   stores do not hold; `weight-missing` for a tensor that it promises; as ``init(changes:)``; or what reading throws.
    public init(store: WeightStore, prefix: String = "adapter.") throws {
        do {
            try store.safetensors.file.checkUnchanged()
            var changes: [String: WeightChange] = [:]
            for target in try Self.targets(store.metadata[Self.manifestKey]) {
                func tensor(_ part: String) throws -> Tensor {
                    try store.wholeTensor("\(prefix)\(target.name).\(part)")
                }
                guard changes[target.name] == nil else {
                    throw UD2MError(
                        .changeManifest, "The manifest has two changes of this tensor.", at: .init(tensor: target.name))
                }
                changes[target.name] =
                    switch target.kind {
                    case .lora: .lowRank(up: try tensor("up"), down: try tensor("down"), scale: target.scale)
                    case .replacement: .replacement(try tensor("replacement"))
                    case .difference: .difference(try tensor("difference"), scale: target.scale)
                    }
            }
            try self.init(changes: changes)
        } catch let error as UD2MError {
            throw error.located(in: .init(file: store.path))
        }
    }

    /// A tensor that the manifest says to change.
    private struct Target {
        /// The kinds of changes that stores hold.
        enum Kind: String {
            case lora
            case replacement
            case difference
        }

        var name: String
        var kind: Kind
        var scale: Double
    }

    private static func targets(_ manifest: String?) throws -> [Target] {
        func error(_ message: String, _ tensor: String? = nil) -> UD2MError {
            UD2MError(
                .changeManifest, message, at: .init(entry: manifestKey, tensor: tensor),
                remedy: "Name a task-adapter bundle, or read another adapter with ud2m-lora.")
        }
        guard let manifest else { throw error("The store does not describe an adapter.") }
        guard case .object(let object)? = try? JSONValue(parsing: manifest), case .array(let items)? = object["targets"]
        else { throw error("The description of the adapter is no JSON object with targets.") }
        return try items.map { item in
            guard case .object(let target) = item, case .string(let module)? = target["module"],
                case .string(let parameter)? = target["parameter"], case .string(let word)? = target["kind"],
                let scale = target["scale"]?.asDouble
            else { throw error("A target of the adapter's description is malformed.") }
            let name = module.isEmpty ? parameter : "\(module).\(parameter)"
            guard let kind = Target.Kind(rawValue: word) else {
                throw error("The change is of kind \(word), which stores hold as a difference.", name)
            }
            return Target(name: name, kind: kind, scale: scale)
        }
    }
}

extension JSONValue {
    /// A number of either kind.
    fileprivate var asDouble: Double? { if case .double(let value) = self { value } else { int.map(Double.init) } }
}

extension WeightStore {
    /// A tensor with all its elements in single precision.
    fileprivate func wholeTensor(_ name: String) throws -> Tensor {
        guard let stored = tensor(TensorName(name)) else {
            throw UD2MError(
                .weightMissing, "The description of the adapter promises this tensor.", at: .init(tensor: name))
        }
        return try Tensor(shape: stored.shape, values: stored.floats())
    }
}
