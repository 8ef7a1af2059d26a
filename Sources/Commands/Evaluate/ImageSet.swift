import UD2MFormats

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The images of a folder, or one file.
struct ImageSet {
    /// An image by its file name without the suffix.
    struct Item: Hashable {
        let name: String
        let path: String
    }

    /// What was named on the command line.
    let path: String
    /// Whether it is a folder.
    let isFolder: Bool
    /// The images, by name.
    let items: [Item]
    /// Names of files in the folder that no image is expected in.
    let skipped: [String]

    /// Suffixes of images, those that cannot be read included: leaving them out silently would change a result.
    private static let suffixes: Set<String> = [
        "png", "jpg", "jpeg", "jpe", "webp", "tif", "tiff", "bmp", "gif", "jp2", "avif", "heic", "ppm", "pgm",
    ]

    /// Whether a file's name has the suffix of an image.
    static func isImage(_ name: String) -> Bool {
        suffixes.contains(URL(filePath: name).pathExtension.lowercased())
    }

    /// Lists a folder; links are followed, folders inside are not entered.
    /// - Throws: ``UD2MFormats/UD2MError``: `file-missing` when there is nothing of this name, `folder-unreadable`,
    ///   `folder-without-images`.
    init(_ path: String) throws {
        self.path = path
        guard let listed = FolderListing.names(in: path) else {
            switch errno {
            case ENOTDIR:
                isFolder = false
                items = [Item(name: Self.stem(URL(filePath: path).lastPathComponent), path: path)]
                skipped = []
                return
            case ENOENT:
                throw UD2MError(.fileMissing, "There is no file or folder of this name.", at: .init(file: path))
            case let code:
                throw UD2MError(
                    .folderUnreadable, "The folder cannot be listed: \(systemErrorText(code)).", at: .init(file: path))
            }
        }
        isFolder = true
        let names = listed.filter { !$0.hasPrefix(".") }.sorted()
        let images = names.filter(Self.isImage)
        items = images.map { Item(name: Self.stem($0), path: "\(path)/\($0)") }
        skipped = names.filter { !images.contains($0) }
        guard !items.isEmpty else {
            throw UD2MError(.folderWithoutImages, "The folder has no images.", at: .init(file: path))
        }
    }

    /// "file" or "folder".
    var kind: String { isFolder ? "folder" : "file" }

    private static func stem(_ name: String) -> String { URL(filePath: name).deletingPathExtension().lastPathComponent }
}

/// A restored image and its reference.
struct ImagePair: Hashable {
    let name: String
    let restored: String
    let reference: String
}

extension ImagePair {
    /// Pairs two sets by name; two files make a pair whatever their names.
    /// - Throws: ``UD2MFormats/UD2MError``: `evaluate-kinds` for a file and a folder, `image-unpaired` when an image has
    ///   no partner, `image-name-twice` when two files of a folder differ in their suffix only.
    static func pairs(_ restored: ImageSet, _ reference: ImageSet) throws -> [ImagePair] {
        guard restored.isFolder == reference.isFolder else {
            throw UD2MError(
                .evaluateKinds,
                "This is a \(restored.kind), and \(reference.path.escapedForDisplay) is a \(reference.kind).",
                at: .init(file: restored.path),
                remedy: "Give two files or two folders.")
        }
        guard restored.isFolder else {
            return zip(restored.items, reference.items).map {
                ImagePair(name: $0.name, restored: $0.path, reference: $1.path)
            }
        }
        let (left, right) = try (byName(restored), byName(reference))
        let alone = Set(left.keys).symmetricDifference(right.keys).sorted()
        guard alone.isEmpty else {
            let listed = alone.prefix(10).map { (left[$0] ?? right[$0] ?? $0).escapedForDisplay }
            let more = alone.count > 10 ? " and \(alone.count - 10) more" : ""
            throw UD2MError(
                .imageUnpaired, "Images without a partner of the same name: \(listed.joined(separator: ", "))\(more).",
                at: .init(file: reference.path),
                remedy: "Remove or add them, or compare the sets as wholes: --metrics fid,kid.")
        }
        return left.keys.sorted().compactMap { name in
            guard let a = left[name], let b = right[name] else { return nil }
            return ImagePair(name: name, restored: a, reference: b)
        }
    }

    private static func byName(_ set: ImageSet) throws -> [String: String] {
        var paths: [String: String] = [:]
        for item in set.items {
            if let other = paths.updateValue(item.path, forKey: item.name) {
                throw UD2MError(
                    .imageNameTwice, "\(other.escapedForDisplay) has the same name but for its suffix.",
                    at: .init(file: item.path), remedy: "Keep one of them.")
            }
        }
        return paths
    }
}

extension UD2MError.Code {
    /// A folder cannot be listed.
    static let folderUnreadable = UD2MError.Code("folder-unreadable", .noInput)
    /// A folder that should hold images holds none.
    static let folderWithoutImages = UD2MError.Code("folder-without-images", .noInput)
    /// A file was given with a folder.
    static let evaluateKinds = UD2MError.Code("evaluate-kinds", .usage)
    /// An image has no partner in the other folder.
    static let imageUnpaired = UD2MError.Code("image-unpaired", .noInput)
    /// Two images of a folder have one name.
    static let imageNameTwice = UD2MError.Code("image-name-twice", .usage)
}
