import UD2MConvert
import UD2MFormats

/// Opens the checkpoint that an argument names.
enum InputCheckpoint {
    /// Describes the file at `path`, or standard input for `-`, and hands the description to `body`.
    /// - Throws: ``UD2MFormats/UD2MError`` from opening, or what `body` throws.
    static func with<Result>(
        _ path: String, access: FileAccess = .automatic, _ body: (Checkpoint) throws -> Result
    ) throws -> Result {
        try withFile(path) { file in
            var checkpoint = try Checkpoint.open(path: file, access: access)
            checkpoint.path = path
            return try body(checkpoint)
        }
    }

    /// Describes the file at `path`, for commands that take no standard input.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `input-standard-input` for `-`, or from opening.
    static func named(_ path: String, access: FileAccess) throws -> Checkpoint {
        try InputPaths.requireFile(path)
        return try Checkpoint.open(path: path, access: access)
    }

    /// Scans the file at `path`, or standard input for `-`.
    /// - Throws: ``UD2MFormats/UD2MError`` when no pickle of it could be begun.
    static func scan(_ path: String) throws -> CheckpointScan {
        try withFile(path) { file in
            var scan = try CheckpointScan(path: file)
            scan.path = path
            if scan.error?.location.file == file { scan.error?.location.file = path }
            return scan
        }
    }

    /// Hands `body` the file to open; errors name the path that the argument gave.
    private static func withFile<Result>(_ path: String, _ body: (String) throws -> Result) throws -> Result {
        guard path == InputPaths.standardInput else { return try body(path) }
        return try StandardInput.withPath { spooled in
            do {
                return try body(spooled)
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
            .noStateDict, "The file holds no tensors that can be delivered.", at: .init(file: checkpoint.path),
            remedy: "See what it holds: ud2m-convert inspect --all.")
    }
}

extension UD2MError.Code {
    /// The file has no tensors, or none that can be delivered.
    static let noStateDict = UD2MError.Code("no-state-dict", .badData)
}
