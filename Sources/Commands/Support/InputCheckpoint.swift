import UD2MConvert
import UD2MFormats

/// Opens the checkpoint that an argument names.
enum InputCheckpoint {
    /// Describes the file at `path`, or standard input for `-`, and hands the description to `body`.
    /// - Throws: ``UD2MFormats/UD2MError`` from opening, or what `body` throws.
    static func with<Result>(
        _ path: String, access: FileAccess = .automatic, _ body: (Checkpoint) throws -> Result
    ) throws -> Result {
        guard path == InputPaths.standardInput else { return try body(Checkpoint.open(path: path, access: access)) }
        return try StandardInput.withPath { spooled in
            do {
                var checkpoint = try Checkpoint.open(path: spooled, access: access)
                checkpoint.path = path
                return try body(checkpoint)
            } catch var error as UD2MError {
                if error.location.file == spooled { error.location.file = path }
                throw error
            }
        }
    }
}

extension StateDictSelection {
    /// The state dict to work on.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `state-dict-missing` when there is none.
    static func required(
        in checkpoint: Checkpoint, select: String?, keepsPrefix: Bool = false
    ) throws -> StateDictSelection {
        if let selection = try StateDictSelection(checkpoint: checkpoint, select: select, keepsPrefix: keepsPrefix) {
            return selection
        }
        throw UD2MError(
            .noStateDict, "The file holds no tensors under text keys.", at: .init(file: checkpoint.path),
            remedy: "See what it holds: ud2m-convert inspect --all.")
    }
}

extension UD2MError.Code {
    /// The file has tensors at most outside any mapping.
    static let noStateDict = UD2MError.Code("no-state-dict", .badData)
}
