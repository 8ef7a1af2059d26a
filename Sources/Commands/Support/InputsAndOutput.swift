import ArgumentParser
import UD2MFormats

/// The inputs of a command and where their results go, named as `cp` takes them: one input becomes one output, several
/// or a pattern go into a folder.
struct InputsAndOutput {
    let inputs: InputPaths
    /// The path that was named, or nil where it was left out.
    let output: String?

    /// Takes the last path for the output, unless it is the only one and may be the input alone.
    /// - Throws: `ValidationError` for an output that is missing, or ``UD2MFormats/UD2MError`` from ``InputPaths``.
    init(_ paths: [String], requiresOutput: Bool) throws {
        if paths.count < 2 {
            guard !requiresOutput else { throw ValidationError("Name the output after the input.") }
            output = nil
            inputs = try InputPaths(paths)
        } else {
            guard paths.last != InputPaths.standardInput else {
                throw ValidationError(
                    "Files are not written to standard output (-), which cannot seek; a file of that name is ./-.")
            }
            output = paths.last
            inputs = try InputPaths(Array(paths.dropLast()))
        }
    }

    /// The output of every input, by the input's path: in the folder it has the input's name with another suffix.
    /// - Parameters:
    ///   - suffix: What follows the name, such as `".ud2w"`, or `"/"` for outputs that are folders.
    ///   - create: Whether a folder that does not exist is created; it is kept once ``OutputFolder/keep()`` is called.
    /// - Returns: The paths, and the folder where one is created.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `output-folder` where several inputs have no folder to go to,
    ///   `output-named-twice` where two of them would have the same output, or `output-cannot-create`.
    func outputs(suffix: String, create: Bool) throws -> (paths: [String: String], folder: OutputFolder?) {
        guard let output else { return ([:], nil) }
        if inputs.isSingle { return (Dictionary(uniqueKeysWithValues: inputs.files.map { ($0, output) }), nil) }
        guard output.hasSuffix("/") || FolderListing.isFolder(output) else {
            throw UD2MError(
                .outputFolder, "Several inputs, or a pattern, need a folder to go to, and this is none.",
                at: .init(file: output), remedy: "End it in / for a new folder.")
        }
        let folder = output.hasSuffix("/") ? output : output + "/"
        var paths: [String: String] = [:]
        var taken: Set<String> = []
        for input in inputs.files {
            let path = folder + Self.stem(input) + suffix
            guard taken.insert(path).inserted else {
                throw UD2MError(
                    .outputNamedTwice, "Two inputs would have the same output.", at: .init(file: path),
                    remedy: "Convert them into different folders.")
            }
            paths[input] = path
        }
        return (paths, create ? try OutputFolder(of: folder) : nil)
    }

    /// Whether outputs go into a folder under their inputs' names.
    var goesIntoFolder: Bool { !inputs.isSingle && output != nil }

    /// `"dir/model.pt"` and `"dir/model/"` give `"model"`, `"model.safetensors.index.json"` too.
    static func stem(_ path: String) -> String {
        var name = path.split(separator: "/").last.map(String.init) ?? "checkpoint"
        let index = ".index.json"
        if name.hasSuffix(index) { name.removeLast(index.count) }
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }
}

extension UD2MError.Code {
    /// Several inputs are to go into something that is no folder.
    static let outputFolder = UD2MError.Code("output-folder", .usage)
}
