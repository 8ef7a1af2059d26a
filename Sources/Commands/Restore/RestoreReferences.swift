import UD2MFormats
import UD2MImaging

/// The clean images that results are measured against: one file, or a folder with an image of each name.
struct RestoreReferences {
    private let path: String
    /// The images of a folder by name; nil for a file.
    private let folder: [String: String]?

    /// Lists the references.
    /// - Throws: ``UD2MFormats/UD2MError``: `evaluate-kinds` for one file and several images, or what listing says.
    init(_ path: String, isSingle: Bool) throws {
        self.path = path
        let set = try ImageSet(path)
        guard set.isFolder || isSingle else {
            throw UD2MError(
                .evaluateKinds, "Several images need a folder of references with their names.", at: .init(file: path))
        }
        folder = set.isFolder ? Self.images(of: set) : nil
    }

    /// The path of an image's reference: of the same name in the same folder within, else in the folder itself.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `image-unpaired`.
    func path(for image: RestoreInputs.Image) throws -> String {
        guard let folder else { return path }
        let parts = image.name.split(separator: "/")
        let name = parts.last.map(String.init) ?? image.name
        if parts.count > 1 {
            let within = ([path] + parts.dropLast().map(String.init)).joined(separator: "/")
            if FolderListing.isFolder(within), let found = Self.images(of: try ImageSet(within))[name] { return found }
        }
        guard let found = folder[name] else {
            throw UD2MError(
                .imageUnpaired, "The folder of references has no image of this name.", at: .init(file: image.path))
        }
        return found
    }

    /// The images of a folder by name.
    private static func images(of set: ImageSet) -> [String: String] {
        Dictionary(set.items.map { ($0.name, $0.path) }, uniquingKeysWith: { first, _ in first })
    }
}
