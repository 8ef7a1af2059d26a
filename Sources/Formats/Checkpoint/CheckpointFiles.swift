/// The files that a checkpoint lies in, found without opening those that hold its data.
package enum CheckpointFiles: Sendable {
    /// A file of a distributed checkpoint, and the byte ranges of the archives in it.
    package struct Archives: Sendable {
        /// The file, which may be missing.
        package let path: String
        /// Each holds an archive of `torch.save`.
        package let ranges: [Range<Int>]
    }

    /// One file.
    case file(path: String)
    /// An index and the shards that it names, which may be missing.
    case sharded(index: String, shards: [String])
    /// The metadata of a distributed checkpoint and the files that they name.
    case distributed(metadata: String, files: [Archives])

    /// Finds the files of the checkpoint at a path: a file, an index, or a folder of one.
    /// - Throws: ``UD2MError`` as ``Checkpoint/open(path:limits:allowMissingCRC:access:resource:)`` for the path itself,
    ///   an index or the metadata.
    package static func of(path: String, limits: Limits = .standard) throws -> CheckpointFiles {
        try CheckpointOpener(path: path, options: CheckpointOptions(limits: limits)).files()
    }
}
