import UD2MConvert
import UD2MFormats

/// How a command opens the checkpoints that its arguments name.
struct CheckpointInput {
    /// Which pickles may be read; nothing of them is ever run, so this is a matter of taste and not of safety.
    enum Policy {
        /// All of them.
        case all
        /// Those that would run no code in Python (`formats.md` §0.3).
        case harmless
        /// Those of known classes only.
        case knownOnly
    }

    var access = FileAccess.automatic
    var limits = Limits.standard
    /// The one pickle of a `torch.package` archive to read.
    var resource: String?
    /// Whether records without a checksum are read; commands that describe files say so in a remark instead of refusing.
    var allowsMissingCRC = true
    var policy = Policy.all

    /// Describes the file at `path`.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `input-standard-input` for `-`, from opening, or `pickle-dangerous` or `pickle-unknown` as the policy says.
    func open(_ path: String) throws -> Checkpoint {
        let checkpoint = try Checkpoint.open(
            path: Self.file(path), limits: limits, allowMissingCRC: allowsMissingCRC, access: access,
            resource: resource,
            isStrict: policy == .knownOnly)
        if policy != .all { try checkpoint.requireSafe(strict: policy == .knownOnly) }
        return checkpoint
    }

    /// The files that the checkpoint at `path` lies in.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `input-standard-input` for `-`, or from looking.
    func files(of path: String) throws -> CheckpointFiles {
        try CheckpointFiles.of(path: Self.file(path), limits: limits)
    }

    /// The path of a file; `-` is refused for commands that record the file's name, or read it more than once.
    private static func file(_ path: String) throws(UD2MError) -> String {
        guard path == InputPaths.standardInput else { return path }
        throw UD2MError(
            .inputStandardInput, "This command does not read standard input (-): it needs a file.",
            remedy: "Save the input to a file and name that; a file that is called - is ./-.")
    }

    /// Describes the file at `path`, or standard input for `-`, and hands the description to `body`.
    /// - Throws: as ``open(_:)``, or what `body` throws.
    func with<Result>(_ path: String, _ body: (Checkpoint) throws -> Result) throws -> Result {
        try Self.withFile(path) { file in
            var checkpoint = try open(file)
            // In a folder the checkpoint is a file, beside which its configuration lies.
            if path == InputPaths.standardInput { checkpoint.path = path }
            return try body(checkpoint)
        }
    }

    /// Scans the file at `path`, or standard input for `-`.
    /// - Throws: ``UD2MFormats/UD2MError`` when no pickle of it could be begun.
    func scan(_ path: String) throws -> CheckpointScan {
        try Self.withFile(path) { file in
            var scan = try CheckpointScan(
                path: file, limits: limits, allowMissingCRC: allowsMissingCRC, resource: resource)
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
    /// - Throws: ``UD2MFormats/UD2MError`` with code `no-state-dict` when there is none, `architecture-ambiguous` or
    ///   `state-dict-ambiguous` when the choice among several is open.
    static func required(
        in checkpoint: Checkpoint, select: String?, keepsPrefix: Bool = false
    ) throws -> StateDictSelection {
        guard
            let selection = try StateDictSelection(checkpoint: checkpoint, select: select, keepsPrefix: keepsPrefix)
        else {
            guard !checkpoint.stateDicts.isEmpty || !checkpoint.looseTensors.isEmpty || !checkpoint.skipped.isEmpty
            else {
                throw UD2MError(.noStateDict, "The file holds no tensors.", at: .init(file: checkpoint.path))
            }
            throw UD2MError(
                .noStateDict, "The file holds no state dict, or none that could be chosen.",
                at: .init(file: checkpoint.path),
                remedy: "See what it holds: ud2m-convert inspect --all; then name a part with --select.")
        }
        if case .open(let error) = selection.choice { throw error }
        return selection
    }
}

extension UD2MError.Code {
    /// The file has no tensors, or none that can be delivered.
    static let noStateDict = UD2MError.Code("no-state-dict", .badData)
}
