import UD2MFormats

/// A task-adapter bundle: an adapter, how the sampler runs with it, and the network it belongs to (`docs/bundles.md`).
///
/// Opening reads headers only and checks all that follows from them; numbers are compared with their checksums when they
/// are read.
public struct TaskBundle: Sendable {
    /// The prefixes of its tensors' names.
    enum Prefix {
        static let adapter = "adapter."
        static let ram = "ram."
        static let base = "base."
    }

    /// The store.
    public let store: WeightStore
    /// What it says about itself.
    public let manifest: BundleManifest
    /// The adapter, its targets under the base's full names; ``Adapter/convention`` is that of the file it came from.
    public let adapter: Adapter
    /// The tensors of the RAM network under its own names; empty when there is none.
    public let ram: [TensorSource]
    /// The tensors of the base under its own names, aliases included; empty in thin bundles.
    public let base: [TensorSource]

    /// The path as the caller gave it.
    public var path: String { store.path }
    /// The identity of all its tensors.
    public let contentID: String

    /// Opens a bundle.
    /// - Throws: ``UD2MFormats/UD2MError`` with a `bundle-…`, `adapter-…`, `store-…`, `safetensors-…` or `file-…` code.
    public init(path: String, limits: Limits = .standard, access: FileAccess = .automatic) throws {
        let file = try SafetensorsFile(path: path, limits: limits, access: access)
        let manifest = try BundleManifest(metadata: file.metadata, path: path)
        store = try WeightStore(file)
        guard let contentID = store.contentID else {
            throw UD2MError(
                .bundleMissing, "The file has a bundle's manifest, and is no weight store with checksums.",
                at: .init(file: path), remedy: "Make the bundle again; other programs leave these out.")
        }
        self.contentID = contentID
        self.manifest = manifest
        let tensors = try file.checkpoint().stateDicts.flatMap(\.tensors)
        var parts = BundleParts(tensors)
        do {
            guard let description = try AdapterManifest(metadata: file.metadata, file: path) else {
                throw UD2MError(
                    .bundleManifest, "The bundle does not describe its adapter.",
                    at: .init(entry: AdapterManifest.key))
            }
            var adapter = try parts.adapter(description, path: path)
            adapter.baseContentID = manifest.base.contentID
            self.adapter = adapter
            ram = try parts.take(Prefix.ram, isExpected: manifest.ram != nil)
            base = try parts.take(Prefix.base, isExpected: manifest.form == .fat)
            try parts.requireEmpty()
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
        if manifest.form == .fat { try requireBase() }
    }

    /// Whether a file's header says that it is a bundle; whatever is wrong with it shows when it is opened.
    public static func isBundle(path: String) -> Bool {
        (try? SafetensorsFile(path: path))?.metadata[BundleManifest.key] != nil
    }

    /// Names of the base inside that stand for another of its tensors.
    public var baseAliases: [TensorName: TensorName] {
        var aliases: [TensorName: TensorName] = [:]
        for (alias, target) in store.aliases {
            if let alias = Self.inBase(alias), let target = Self.inBase(target) { aliases[alias] = target }
        }
        return aliases
    }

    /// A tensor's name in the base; nil for tensors of other parts.
    private static func inBase(_ name: TensorName) -> TensorName? {
        name.hasPrefix(Prefix.base) ? name.dropFirst(Prefix.base.utf8.count) : nil
    }

    /// Checks that the base inside is the one that the manifest names, and that the adapter fits it.
    private func requireBase() throws {
        let lines = store.safetensors.entries.compactMap { entry in
            Self.inBase(entry.name).map { name in
                ContentID.Line(
                    name: name, elementType: entry.elementType, shape: entry.shape,
                    sha256: store.digests(of: entry.name)?.sha256 ?? "")
            }
        }
        guard try ContentID.compute(lines, aliases: baseAliases) == manifest.base.contentID else {
            throw UD2MError(
                .bundleBaseOther, "The base inside the bundle is not the one that its manifest names.",
                at: .init(file: path), remedy: "The file was changed: make or fetch the bundle again.")
        }
        try requireFit(AdapterBase(path: path, tensors: base))
    }

    /// Throws unless every target of the adapter has its tensor in a network.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-base-mismatch`.
    public func requireFit(_ network: AdapterBase) throws {
        try AdapterBinding(adapter, to: network).requireComplete(base: network.path, allowUnmatched: false)
    }

    /// Reads every number of the adapter and of RAM once.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite`, `store-digest`, or what reading throws; the
    ///   location names the file and the tensor.
    public func requireFinite() throws {
        try adapter.requireFinite()
        do {
            for tensor in ram { try tensor.requireFinite() }
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }
}
