/// What a file would make Python import and call, as far as the file can be read.
public struct CheckpointScan: Sendable {
    /// The path as the caller gave it.
    public var path: String
    /// The container; nil when the file could not be read to its end.
    public var container: ContainerKind?
    /// What was found, up to the end or to the error.
    public var findings: [PickleFinding]
    /// What ended the reading, or nil.
    public var error: UD2MError?

    /// Scans a file; a pickle that breaks off is judged up to there, since Python would run it up to there. A container
    /// that is broken before any pickle of it has a finding that says so.
    /// - Parameters:
    ///   - path: As in ``Checkpoint/open(path:limits:allowMissingCRC:access:resource:)``.
    ///   - limits: What the file may ask for.
    ///   - allowMissingCRC: Whether a zip record whose checksum is zero counts as one without a checksum.
    ///   - resource: The one pickle of a `torch.package` archive to read; nil for all.
    /// - Throws: ``UD2MError`` when the file is missing, or of no kind that holds pickles.
    public init(
        path: String, limits: Limits = .standard, allowMissingCRC: Bool = false, resource: String? = nil
    ) throws {
        self.path = path
        do {
            let options = CheckpointOptions(limits: limits, allowMissingCRC: allowMissingCRC, resource: resource)
            let checkpoint = try CheckpointOpener(path: path, options: options).checkpoint()
            container = checkpoint.container
            findings = checkpoint.findings
        } catch let error as UD2MError {
            guard let found = error.findings ?? Self.unreadable(path, error).map({ [$0] }) else { throw error }
            findings = found
            switch error.code {
            // Tensors without data are no matter here: the pickle was read to its end.
            case .barePickle: container = .pickle
            case .npyObjects: container = .npy
            default:
                self.error = error
            }
        }
    }

    /// The finding about a file that should hold pickles and whose damage hides them; nil for any other error.
    private static func unreadable(_ path: String, _ error: UD2MError) -> PickleFinding? {
        // What is whole and no checkpoint is no matter of pickles.
        let isOther = [.packedCheckpoint, .torchLayout, .containerUnsupported].contains(error.code)
        guard error.code.category == .badData, !isOther, let file = try? MappedFile(path: path),
            let kind = try? withExtendedLifetime(file, { try ContainerSniffer(file.bytes).kind() }),
            kind.holdsPickles
        else { return nil }
        return PickleFinding(
            severity: .suspicious, global: "",
            message: "Nothing could be read, so what loading it would run is unknown. \(error.message)",
            entry: error.location.entry ?? "file", byteOffset: error.location.byteOffset ?? 0, opcodeIndex: 0)
    }
}
