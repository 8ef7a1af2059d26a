import UD2MFormats
import UD2MImaging

/// The small files that one run writes: all are checked before the work starts, and appear together at its end.
struct OutputSet {
    private let overwrite: Bool
    private let inputs: [String]
    private let paths: [String]

    /// Checks that every path can be written, is named once, and is none of the inputs.
    /// - Throws: ``UD2MFormats/UD2MError`` with an `output-…` code.
    init(_ paths: [String], overwrite: Bool, inputs: [String]) throws {
        try Self.requireDistinct(paths)
        for path in paths {
            _ = try AtomicFile(path: path, byteCount: 0, overwrite: overwrite, inputs: inputs)
        }
        self.paths = paths
        self.overwrite = overwrite
        self.inputs = inputs
    }

    /// Checks that no two of the paths are the same.
    /// - Throws: ``UD2MFormats/UD2MError`` with the code `output-named-twice`.
    static func requireDistinct(_ paths: [String]) throws {
        var seen: Set<[Substring]> = []
        for path in paths {
            guard seen.insert(place(path)).inserted else {
                throw UD2MError(
                    .outputNamedTwice, "Two outputs have the same path.", at: .init(file: path),
                    remedy: "Give each its own.")
            }
        }
    }

    /// What paths of one place share, however they are spelled; links are not followed.
    static func place(_ path: String) -> [Substring] {
        (path.hasPrefix("/") ? ["/"] : []) + path.split(separator: "/").filter { $0 != "." }
    }

    /// Writes every file's bytes beside its place, and only when all are complete gives them their names.
    /// - Throws: ``UD2MFormats/UD2MError`` with an `output-…` code; what is not named yet is dropped.
    func write(_ contents: [(path: String, bytes: [UInt8])]) throws {
        var files: [AtomicFile] = []
        for (path, bytes) in contents {
            let file = try AtomicFile(path: path, byteCount: bytes.count, overwrite: overwrite, inputs: inputs)
            try bytes.withUnsafeBytes { try file.write($0, at: 0) }
            files.append(file)
        }
        for file in files { try file.commit() }
    }

    /// The image format of an output path's suffix.
    /// - Throws: `output-suffix`, a usage error, for a suffix that is not written.
    static func imageFormat(of path: String) throws -> ImageFormat {
        do {
            return try ImageFormat(writingTo: path)
        } catch {
            throw UD2MError(
                .outputSuffix, error.message, at: .init(file: path), remedy: "Name it .png, .jpg or .jpeg.")
        }
    }

    /// An image encoded for an output path.
    static func encode(
        _ image: ImageBuffer, for path: String, options: ImageWriteOptions = ImageWriteOptions()
    ) throws -> (path: String, bytes: [UInt8]) {
        (path, try ImageFile.encode(image, as: try imageFormat(of: path), options: options))
    }
}

extension UD2MError.Code {
    /// Two outputs of one run have the same path.
    static let outputNamedTwice = UD2MError.Code("output-named-twice", .usage)
    /// An image cannot be written under this suffix.
    static let outputSuffix = UD2MError.Code("output-suffix", .usage)
}
