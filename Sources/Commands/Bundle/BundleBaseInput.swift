import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// The network that a bundle is made for.
struct BundleBaseInput {
    /// The path as the caller gave it.
    let path: String
    /// Its tensors as adapters find them.
    let network: AdapterBase
    /// What goes into the bundle of it.
    let base: BundleWriter.Base

    /// Opens a store.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-base-unusable` for anything that has no content id, or is a
    ///   bundle itself; or what opening throws.
    init(_ path: String, _ input: CheckpointInput) throws {
        let checkpoint = try input.open(path)
        guard checkpoint.container == .weightStore, checkpoint.metadata[BundleManifest.key] == nil else {
            throw UD2MError(
                .bundleBaseUnusable,
                checkpoint.container == .weightStore
                    ? "The base is a bundle itself." : "The base is no weight store, so that a bundle cannot name it.",
                at: .init(file: path),
                remedy: checkpoint.container == .weightStore
                    ? "Name the prior." : "Convert it first: ud2m-convert \(path) OUT.ud2w")
        }
        let store = try WeightStore(path: path, limits: input.limits, access: input.access)
        guard let contentID = store.contentID else {
            throw UD2MError(
                .bundleBaseUnusable, "The store has no content id, so that a bundle cannot name it.",
                at: .init(file: path), remedy: "Convert the network again with ud2m-convert.")
        }
        self.path = path
        // Names stay as the store has them: it is by these that the runtime finds the tensors.
        let tensors = checkpoint.stateDicts.first?.tensors ?? []
        let selection = try StateDictSelection(checkpoint: checkpoint, keepsPrefix: true)
        network = AdapterBase(
            path: path, tensors: tensors, otherNames: selection?.architecture?.otherNames ?? [:])
        base = BundleWriter.Base(
            record: BundleBase(
                contentID: contentID, family: store.architecture?.familyName, name: Self.name(store),
                signature: try store.shapeSignature(), architecture: store.architecture),
            tensors: tensors, aliases: store.aliases)
    }

    /// The name of the file that the store was converted from, else the store's own, without the suffix.
    private static func name(_ store: WeightStore) -> String {
        var file = store.path
        if case .object(let source)? = store.information.source, case .string(let name)? = source["file"] {
            file = name
        }
        let last = file.split(separator: "/").last.map(String.init) ?? file
        guard let dot = last.lastIndex(of: "."), dot > last.startIndex else { return last }
        return String(last[..<dot])
    }
}

extension ArchitectureConfiguration {
    /// The family's word in stores, such as `"adm"`.
    fileprivate var familyName: String? {
        guard case .object(let object) = json, case .string(let family)? = object["family"] else { return nil }
        return family
    }
}
