/// How a checkpoint is to be opened.
struct CheckpointOptions: Sendable {
    /// What the file may ask for.
    var limits: Limits
    /// Whether a zip record whose checksum is zero counts as one without a checksum.
    var allowMissingCRC = false
    /// The one pickle of a `torch.package` archive to read, or nil for all.
    var resource: String?
    /// Whether fields of a safetensors header that the format does not know are errors rather than remarks.
    var isStrict = false
    /// How tensor data are read.
    var access = FileAccess.automatic
}
