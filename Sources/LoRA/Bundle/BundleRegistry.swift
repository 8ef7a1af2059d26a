import UD2MFormats

/// The bundles of a folder, and where the networks they belong to are.
public struct BundleRegistry: Sendable {
    /// A file of the folder.
    public enum Item: Sendable {
        /// A bundle, and the store of its base; nil when it is fat or its base is not found.
        case bundle(TaskBundle, base: WeightStore?)
        /// A store or bundle that cannot be opened.
        case failed(path: String, error: UD2MError)
    }

    /// Where bases were looked for.
    public let locator: BaseLocator
    /// The bundles and the broken files, by path; plain stores are not listed.
    public let items: [Item]

    /// Opens the headers of a folder's stores.
    /// - Parameters:
    ///   - folder: The folder; its own folders are not looked into.
    ///   - searchPath: Further folders for bases, with colons between them.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `file-missing` when there is no such folder.
    public init(folder: String, searchPath: String?) throws {
        guard FolderListing.isFolder(folder) else {
            throw UD2MError(
                .fileMissing, "This is no folder that can be read.", at: .init(file: folder),
                remedy: "Name the folder that the bundles are in.")
        }
        locator = BaseLocator(folder: folder, searchPath: searchPath)
        var found: [String: WeightStore?] = [:]
        var items: [Item] = []
        for path in BaseLocator.stores(in: folder) {
            do {
                guard try SafetensorsFile(path: path).metadata[BundleManifest.key] != nil else {
                    _ = try WeightStore(path: path)
                    continue
                }
                let bundle = try TaskBundle(path: path)
                guard bundle.manifest.form == .thin else {
                    items.append(.bundle(bundle, base: nil))
                    continue
                }
                let content = bundle.manifest.base.contentID
                let base = found[content] ?? locator.store(contentID: content)
                found[content] = .some(base)
                items.append(.bundle(bundle, base: base))
            } catch let error as UD2MError {
                items.append(.failed(path: path, error: error.located(in: .init(file: path))))
            }
        }
        self.items = items
    }
}
