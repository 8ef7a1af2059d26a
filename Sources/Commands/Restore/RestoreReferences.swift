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
        folder =
            set.isFolder
            ? Dictionary(set.items.map { ($0.name, $0.path) }, uniquingKeysWith: { first, _ in first }) : nil
    }

    /// The path of an image's reference.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `image-unpaired`.
    func path(for image: RestoreInputs.Image) throws -> String {
        guard let folder else { return path }
        let name = image.name.split(separator: "/").last.map(String.init) ?? image.name
        guard let found = folder[name] else {
            throw UD2MError(
                .imageUnpaired, "The folder of references has no image of this name.", at: .init(file: image.path))
        }
        return found
    }
}
