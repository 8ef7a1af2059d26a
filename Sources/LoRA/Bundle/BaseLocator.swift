import UD2MFormats

/// Finds the network that a thin bundle names by its content id: in the bundle's own folder, then in the folders of a
/// search path. Only headers are read.
public struct BaseLocator: Sendable {
    /// The environment variable with the search path.
    public static let variable = "UD2M_PATH"
    /// The suffix of the files that are looked at.
    static let suffix = ".ud2w"
    /// Names of a folder that are looked at.
    static let namesLimit = 100_000

    /// The folders, in the order they are searched.
    public let folders: [String]

    /// Searches given folders.
    public init(folders: [String]) {
        self.folders = folders
    }

    /// Searches the folder of a bundle, then a search path.
    /// - Parameters:
    ///   - path: The bundle.
    ///   - searchPath: Folders with colons between them, as ``variable`` has them; nil for none.
    public init(bundle path: String, searchPath: String?) {
        self.init(folder: path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".", searchPath: searchPath)
    }

    /// Searches a folder, then a search path.
    public init(folder: String, searchPath: String?) {
        folders = [folder] + (searchPath?.split(separator: ":").map(String.init) ?? [])
    }

    /// The paths of a folder's stores, sorted; none where the folder cannot be read.
    static func stores(in folder: String) -> [String] {
        let names = FolderListing.names(in: folder, limit: namesLimit) ?? []
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        return names.filter { $0.hasSuffix(suffix) && !$0.hasPrefix(".") }.sorted().map { prefix + $0 }
    }

    /// The network with a content id; nil when no folder has it. Files that cannot be opened are passed over.
    public func store(contentID: String) -> WeightStore? {
        for folder in folders {
            for path in Self.stores(in: folder) {
                // The metadata claim it before the digests of the header prove it.
                guard let file = try? SafetensorsFile(path: path),
                    file.metadata[StoreMetadata.Key.content] == contentID, let store = try? WeightStore(file)
                else { continue }
                return store
            }
        }
        return nil
    }

    /// The network of a bundle.
    /// - Parameters:
    ///   - base: What the bundle says of it.
    ///   - path: A store that the caller names; nil to search.
    /// - Returns: Its store.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-base-other` when the named store is another network,
    ///   `bundle-base-missing` when no folder has the right one, or what opening a store throws.
    public func store(of base: BundleBase, named path: String? = nil) throws -> WeightStore {
        if let path {
            let store = try WeightStore(path: path)
            guard store.contentID == base.contentID else { throw try Self.other(base, store) }
            return store
        }
        guard let store = store(contentID: base.contentID) else {
            throw UD2MError(
                .bundleBaseMissing,
                "The bundle's base \(base.name), content \(base.contentID), is in none of the folders "
                    + folders.joined(separator: ", ") + ".",
                remedy: "Name it with --base, put it beside the bundle, or name its folder in \(Self.variable).")
        }
        return store
    }

    private static func other(_ base: BundleBase, _ store: WeightStore) throws -> UD2MError {
        let isSameShape = try store.shapeSignature() == base.signature
        return UD2MError(
            .bundleBaseOther,
            isSameShape
                ? "The network has the shape of the bundle's base \(base.name), and other weights or another precision."
                : "The network is not the bundle's base \(base.name): its tensors are others.",
            at: .init(file: store.path), remedy: "The right one has the content \(base.contentID).")
    }
}
