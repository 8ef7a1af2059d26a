import UD2MFormats

/// The images that a run restores, in the order of the command line; those of a folder by name.
struct RestoreInputs {
    /// An image, or a pattern that matches nothing.
    enum Item {
        case image(Image)
        case unmatched(UD2MError)
    }

    struct Image {
        let path: String
        /// The path within its folder, without the suffix; it names the outputs.
        let name: String
        /// The further observations of a stack.
        var others: [String] = []

        /// The observations.
        var files: [String] { [path] + others }
    }

    let items: [Item]
    /// Whether the command line named one file: its report then stands alone.
    let isSingle: Bool

    /// Folders in folders that are entered.
    private static let depthLimit = 32

    /// Expands patterns and folders.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `input-pattern`, `input-standard-input` or `folder-without-images`.
    init(_ arguments: [String], isRecursive: Bool) throws {
        let paths = try InputPaths(arguments)
        var items: [Item] = []
        var hasFolder = false
        for item in paths.items {
            switch item {
            case .unmatched(let error): items.append(.unmatched(error))
            case .file(let path):
                guard FolderListing.isFolder(path) else {
                    items.append(.image(Image(path: path, name: InputsAndOutput.stem(path))))
                    continue
                }
                hasFolder = true
                let found = Self.images(in: path, prefix: "", depth: isRecursive ? Self.depthLimit : 0)
                guard !found.isEmpty else {
                    throw UD2MError(
                        .folderWithoutImages, "The folder has no images.", at: .init(file: path),
                        remedy: isRecursive ? nil : "Pass --recursive to look into folders inside.")
                }
                items += found.map { .image($0) }
            }
        }
        self.items = items
        isSingle = paths.isSingle && !hasFolder
    }

    private init(items: [Item], isSingle: Bool) {
        self.items = items
        self.isSingle = isSingle
    }

    /// The images alone.
    var images: [Image] { items.compactMap { if case .image(let image) = $0 { image } else { nil } } }

    /// The images as the observations of one, which has the first one's name.
    /// - Parameter count: How many operators see it.
    /// - Returns: One image with several files.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `observation-count` for another number of images.
    func stacked(_ count: Int) throws -> RestoreInputs {
        let images = images
        guard images.count == count, items.count == count, var first = images.first else {
            throw UD2MError(
                .observationCount, "\(count) operators need as many observations of one image, not \(items.count).",
                remedy: "Name them in the order of the operators, each file once.")
        }
        first.others = images.dropFirst().map(\.path)
        return RestoreInputs(items: [.image(first)], isSingle: true)
    }

    /// Every N-th item, from the K-th on.
    func shard(_ shard: RestoreShard) -> RestoreInputs {
        RestoreInputs(
            items: items.enumerated().filter { $0.offset % shard.count == shard.index }.map(\.element),
            isSingle: isSingle && shard.count == 1)
    }

    private static func images(in folder: String, prefix: String, depth: Int) -> [Image] {
        let root = folder.hasSuffix("/") ? folder : folder + "/"
        let names = (FolderListing.names(in: root + prefix) ?? []).filter { !$0.hasPrefix(".") }.sorted()
        return names.flatMap { name -> [Image] in
            let relative = prefix + name
            if FolderListing.isFolder(root + relative) {
                // A link may lead to a folder above, and so to no end of images.
                return depth > 0 && !FolderListing.isLink(root + relative)
                    ? images(in: root, prefix: relative + "/", depth: depth - 1) : []
            }
            guard ImageSet.isImage(name) else { return [] }
            return [Image(path: root + relative, name: prefix + InputsAndOutput.stem(name))]
        }
    }
}

extension UD2MError.Code {
    /// There are more or fewer observations than a stack has operators.
    static let observationCount = UD2MError.Code("observation-count", .usage)
}
