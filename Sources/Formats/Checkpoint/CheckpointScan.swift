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

    /// Scans a file; a pickle that breaks off is judged up to there, since Python would run it up to there.
    /// - Parameters:
    ///   - path: As in ``Checkpoint/open(path:limits:allowMissingCRC:access:resource:)``.
    ///   - limits: What the file may ask for.
    ///   - allowMissingCRC: Whether a zip record whose checksum is zero counts as one without a checksum.
    ///   - resource: The one pickle of a `torch.package` archive to read; nil for all.
    /// - Throws: ``UD2MError`` when no pickle of the file could be begun: it is missing, unknown, or its container broken.
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
            guard let found = error.findings else { throw error }
            findings = found
            if error.code == .barePickle {
                // Tensors without data are no matter here: the pickle was read to its end.
                container = .pickle
            } else {
                self.error = error
            }
        }
    }
}
