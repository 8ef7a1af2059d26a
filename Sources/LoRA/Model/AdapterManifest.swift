import UD2MFormats

/// What an adapter changes, in a form that files and reports carry (`schemas/adapter-manifest.schema.json`).
///
/// Every adapter file written here has it as `ud2m.adapter` in its metadata, so that names that a convention flattens
/// come back without the base.
public struct AdapterManifest: Sendable, Hashable {
    /// The metadata key.
    public static let key = "ud2m.adapter"
    /// The version this code writes, and the only one it reads.
    public static let version = 1

    /// One tensor of the base.
    public struct Target: Sendable, Hashable {
        /// The part of a pipeline that the module is in.
        public var component: String?
        /// The module with its dots.
        public var module: String
        /// The module's parameter.
        public var parameter: String
        /// `lora`, `dora`, `loha`, `lokr`, `difference` or `replacement`.
        public var kind: String
        /// The rank of the factors; nil for whole tensors.
        public var rank: Int?
        /// The numerator of the scale; nil where there is none.
        public var alpha: Double?
        /// What the product is multiplied by.
        public var scale: Double
        /// Rows and columns of the tensor as a matrix.
        public var shape: [Int]
    }

    /// How the file spells the adapter; in a bundle, how the file it came from did.
    public var convention: AdapterConvention
    /// The tensors that change, in the adapter's order.
    public var targets: [Target]

    /// Describes an adapter.
    public init(_ adapter: Adapter) {
        convention = adapter.convention
        targets = adapter.targets.map { target in
            let shape = target.change.matrixShape
            return Target(
                component: target.component, module: target.module, parameter: target.parameter,
                kind: target.change.kind, rank: target.change.rank, alpha: target.change.alpha,
                scale: target.change.scale, shape: [shape.rows, shape.columns])
        }
    }

    /// Reads the manifest of a file; nil when it has none.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-configuration` when it is malformed.
    init?(metadata: [String: String], file: String) throws {
        guard let text = metadata[Self.key] else { return nil }
        let place = UD2MError.Location(file: file, entry: Self.key)
        func error(_ message: String) -> UD2MError { UD2MError(.adapterConfiguration, message, at: place) }
        guard let json = try? JSONValue(parsing: text), case .object(let object) = json else {
            throw error("The manifest is not a JSON object.")
        }
        guard object["version"]?.int == Self.version else {
            throw UD2MError(
                .adapterConfiguration, "The manifest has a version that this reader does not know.", at: place,
                remedy: "Use a newer ud2m-lora.")
        }
        guard case .string(let word)? = object["convention"], let convention = AdapterConvention(rawValue: word),
            case .array(let items)? = object["targets"]
        else { throw error("The manifest lacks its convention or its targets.") }
        self.convention = convention
        targets = try items.map { item in
            guard case .object(let target) = item, case .string(let module)? = target["module"],
                case .string(let parameter)? = target["parameter"], case .string(let kind)? = target["kind"],
                let scale = target["scale"]?.number, case .array(let sizes)? = target["shape"]
            else { throw error("A target of the manifest is malformed.") }
            var component: String?
            if case .string(let text)? = target["component"] { component = text }
            return Target(
                component: component, module: module, parameter: parameter, kind: kind, rank: target["rank"]?.int,
                alpha: target["alpha"]?.number, scale: scale, shape: sizes.compactMap(\.int))
        }
    }

    /// The manifest as JSON.
    public var json: JSONValue {
        var object = JSONObject()
        object["version"] = JSONValue(Self.version)
        object["convention"] = .string(convention.rawValue)
        object["targets"] = .array(
            targets.map { target in
                var item = JSONObject()
                item["component"] = target.component.map { .string($0) }
                item["module"] = .string(target.module)
                item["parameter"] = .string(target.parameter)
                item["kind"] = .string(target.kind)
                item["rank"] = target.rank.map { JSONValue($0) }
                item["alpha"] = target.alpha.map { .double($0) }
                item["scale"] = .double(target.scale)
                item["shape"] = .array(target.shape.map { JSONValue($0) })
                return .object(item)
            })
        return .object(object)
    }
}
