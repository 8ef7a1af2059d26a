import UD2MFormats

/// Where the files of one image go.
struct RestorePlaces {
    let output: String
    var grid: String?
    var last: String?
    var std: String?
    var coverage: String?
    var progressive: String?
    var samples: [String] = []
    var quantiles: [(probability: Double, path: String)] = []

    /// All of them.
    var all: [String] { [output] + others }

    /// All but the restored image.
    var others: [String] {
        [grid, last, std, coverage, progressive].compactMap(\.self) + samples + quantiles.map(\.path)
    }
}

/// The places of all images of a run, checked before the work begins.
struct RestorePlaceList {
    /// The places by the image's path.
    let places: [String: RestorePlaces]
    /// The folder that restored images go to, ending in a slash; nil for a single file.
    let folder: String?

    /// Names the outputs of every image.
    /// - Parameters:
    ///   - inputs: All images, also those of other shards.
    ///   - output: The file, or the folder.
    ///   - template: The names in a folder, with `{name}` for the image's; nil for `{name}.png`.
    ///   - posterior: What else is written.
    /// - Throws: ``UD2MFormats/UD2MError``: `output-folder` where several images have no folder to go to,
    ///   `output-named-twice` where two files would have one name, `output-suffix`; `ValidationError` for names without a
    ///   folder.
    init(_ inputs: RestoreInputs, output: String, template: String?, posterior: PosteriorOptions) throws {
        let namer = Namer(isSingle: inputs.isSingle)
        folder = try namer.folder(output)
        try FlagRule.check([
            .init("--name", given: template != nil, applies: folder != nil, owner: "a folder of outputs (-o FOLDER/)")
        ])
        let template = template ?? "{name}.png"
        var places: [String: RestorePlaces] = [:]
        var taken: [[Substring]: String] = [:]
        for image in inputs.images {
            func named(_ path: String) throws -> String { try namer.place(path, image.name, template: "{name}.png") }
            var place = RestorePlaces(output: try namer.place(output, image.name, template: template))
            place.grid = try posterior.grid.map(named)
            place.last = try posterior.last.map(named)
            place.std = try posterior.std.map(named)
            place.coverage = try posterior.coverage.map(named)
            place.progressive = try posterior.progressive.map(named)
            if let folder = posterior.saveSamples {
                place.samples = (0..<posterior.samples).map {
                    Namer.inside(folder, "\(image.name)-\(Namer.padded($0)).png")
                }
            }
            if let folder = posterior.saveQuantiles {
                place.quantiles = posterior.savedQuantiles.map {
                    ($0, Namer.inside(folder, "\(image.name)-q\(ReportNumber($0).text).png"))
                }
            }
            for path in place.all {
                _ = try OutputSet.imageFormat(of: path)
                if let other = taken.updateValue(image.path, forKey: OutputSet.place(path)) {
                    throw UD2MError(
                        .outputNamedTwice,
                        other == image.path
                            ? "Two outputs have the same path."
                            : "\(other.escapedForDisplay) and \(image.path.escapedForDisplay) would have the same output.",
                        at: .init(file: path), remedy: "Give each its own file or folder.")
                }
            }
            places[image.path] = place
        }
        self.places = places
    }

    /// Creates the folders that files go to.
    /// - Returns: The folders, to be kept once something is in them.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `output-cannot-create`.
    func createFolders() throws -> [OutputFolder] {
        var created: Set<String> = []
        var folders: [OutputFolder] = []
        for path in places.values.flatMap(\.all).sorted() {
            var index = path.startIndex
            while let slash = path[index...].firstIndex(of: "/") {
                index = path.index(after: slash)
                let folder = String(path[..<index])
                // Folders above those that are to be created exist, or cannot be.
                if created.insert(folder).inserted, !FolderListing.isFolder(folder) {
                    folders.append(try OutputFolder(of: folder + "x"))
                }
            }
        }
        return folders
    }

    private struct Namer {
        let isSingle: Bool

        /// The folder that a path stands for; nil for a file, which only a single image can go to.
        func folder(_ path: String) throws -> String? {
            if path.hasSuffix("/") { return path }
            if FolderListing.isFolder(path) { return path + "/" }
            guard isSingle else {
                throw UD2MError(
                    .outputFolder, "Several images, a pattern or a folder need a folder to go to, and this is none.",
                    at: .init(file: path), remedy: "End it in / for a new folder.")
            }
            return nil
        }

        func place(_ path: String, _ name: String, template: String) throws -> String {
            guard let folder = try folder(path) else { return path }
            // The template names the file, also where the image lies in a folder inside.
            let parts = name.split(separator: "/")
            let inner = parts.dropLast().map { $0 + "/" }.joined()
            return folder + inner + template.replacing("{name}", with: String(parts.last ?? ""))
        }

        static func inside(_ folder: String, _ name: String) -> String {
            folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
        }

        static func padded(_ index: Int) -> String {
            let digits = String(index)
            return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
    }
}
