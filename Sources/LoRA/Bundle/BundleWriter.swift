import UD2MFormats

/// Lays out a task-adapter bundle and writes it (`docs/bundles.md`).
public struct BundleWriter: Sendable {
    /// The network that the bundle will belong to.
    public struct Base: Sendable {
        /// Its identity.
        public var record: BundleBase
        /// Its tensors, aliases included, under their full names.
        public var tensors: [TensorSource]
        /// Names that stand for another tensor, as its store has them.
        public var aliases: [TensorName: TensorName]

        /// Creates a description.
        public init(record: BundleBase, tensors: [TensorSource], aliases: [TensorName: TensorName]) {
            self.record = record
            self.tensors = tensors
            self.aliases = aliases
        }
    }

    /// A RAM network that goes into the bundle.
    public struct RAM: Sendable {
        /// Its shape and flavour.
        public var configuration: RAMConfiguration
        /// Its tensors, named as stores name them.
        public var tensors: [TensorSource]

        /// Creates a description.
        public init(configuration: RAMConfiguration, tensors: [TensorSource]) {
            self.configuration = configuration
            self.tensors = tensors
        }
    }

    /// What the bundle will say about itself.
    public let manifest: BundleManifest
    /// The adapter as the bundle will describe it.
    public let adapter: Adapter
    /// What a person should know, as sentences.
    public let notes: [String]
    /// Where every byte will go.
    public let writer: WeightStoreWriter

    /// Plans a bundle; the adapter's factors are read, and nothing is written.
    /// - Parameters:
    ///   - binding: The adapter, held against the base.
    ///   - settings: How the sampler runs.
    ///   - base: The network.
    ///   - form: Whether the network's weights go into the bundle.
    ///   - ram: A RAM network to go into it; nil for none.
    ///   - lineage: What the bundle is made from.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-base-mismatch`, another `adapter-…` code, or what planning a
    ///   store throws.
    public init(
        _ binding: AdapterBinding, settings: BundleSettings, base: Base, form: BundleManifest.Form, ram: RAM? = nil,
        lineage: [BundleManifest.Source] = []
    ) throws {
        try binding.requireComplete(base: binding.adapter.path, allowUnmatched: false)
        try binding.adapter.requireFinite()
        for tensor in ram?.tensors ?? [] { try tensor.requireFinite() }
        let bundled: BundledAdapter
        do {
            bundled = try BundledAdapter(binding)
        } catch let error as UD2MError {
            throw error.located(in: .init(file: binding.adapter.path))
        }
        var record = base.record
        if form == .thin { record.architecture = nil }
        manifest = BundleManifest(
            settings: settings, base: record, form: form, ram: ram?.configuration, lineage: lineage)
        adapter = bundled.adapter
        notes = bundled.notes

        func prefixed(_ prefix: String, _ tensors: [TensorSource]) -> [TensorInput] {
            tensors.map { TensorInput($0, name: TensorName(bytes: Array(prefix.utf8) + $0.name.bytes)) }
        }
        var tensors = bundled.tensors + prefixed(TaskBundle.Prefix.ram, ram?.tensors ?? [])
        var aliases: [TensorName: TensorName] = [:]
        if form == .fat {
            func inside(_ name: TensorName) -> TensorName {
                TensorName(bytes: Array(TaskBundle.Prefix.base.utf8) + name.bytes)
            }
            tensors += prefixed(TaskBundle.Prefix.base, base.tensors.filter { base.aliases[$0.name] == nil })
            for (alias, target) in base.aliases { aliases[inside(alias)] = inside(target) }
        }
        let pairs = [
            BundleManifest.key: try manifest.json.canonicalText(),
            AdapterManifest.key: try AdapterManifest(bundled.adapter).json.canonicalText(),
        ]
        // What is written must be readable: settings come from flags and file names too.
        _ = try BundleManifest(metadata: pairs, path: binding.adapter.path)
        writer = try WeightStoreWriter(
            tensors: tensors, aliases: aliases,
            information: StoreMetadata(lineage: [Self.lineageStep(manifest)], other: pairs))
    }

    /// The step of `ud2w.lineage`, by which programs that do not know bundles find the base.
    private static func lineageStep(_ manifest: BundleManifest) -> JSONValue {
        var step = JSONObject()
        step["op"] = "bundle"
        step["base"] = .string(manifest.base.contentID)
        step["sources"] = .array(
            manifest.lineage.map { source in
                var item = JSONObject()
                item["file"] = .string(source.file)
                item["sha256"] = source.sha256.map { .string($0) }
                return .object(item)
            })
        return .object(step)
    }

    /// Writes the bundle, which appears complete or not at all.
    /// - Parameters:
    ///   - path: Where to.
    ///   - overwrite: Whether an existing file may be replaced.
    ///   - inputs: Paths that must not be replaced.
    ///   - progress: Called with the bytes done and all bytes; may throw to cancel.
    /// - Returns: The identity of what was written.
    /// - Throws: ``UD2MFormats/UD2MError`` with an `output-…` code or what reading a tensor throws.
    public func write(
        to path: String, overwrite: Bool = false, inputs: [String] = [],
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> WeightStoreWriter.Summary {
        try writer.write(to: path, overwrite: overwrite, inputs: inputs, progress: progress)
    }
}
