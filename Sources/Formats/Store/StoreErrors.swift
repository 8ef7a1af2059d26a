// One code for each promise of the store format (`formats.md` §12, `docs/format-ud2w.md`).
extension UD2MError.Code {
    /// The store's version is one this reader does not know.
    public static let storeVersion = Self("store-version", .badData)
    /// `ud2w.align` is no power of two in range, or the data or a tensor do not lie as it promises.
    public static let storeAlignment = Self("store-alignment", .badData)
    /// `ud2w.aliases` names a tensor that does not exist, or hides one that does.
    public static let storeAlias = Self("store-alias", .badData)
    /// `ud2w.check` is malformed or does not cover exactly the tensors of the file.
    public static let storeChecksums = Self("store-checksums", .badData)
    /// `ud2w.content` does not follow from the tensors' digests.
    public static let storeContent = Self("store-content", .badData)
    /// A tensor's bytes are not those that its digests were computed from.
    public static let storeDigest = Self("store-digest", .badData)
    /// A `ud2w.…` value is not the JSON it should be.
    public static let storeMetadata = Self("store-metadata", .badData)
    /// `ud2w.arch` does not describe a network that this version can build.
    public static let architectureInvalid = Self("architecture-invalid", .badData)
    /// A tensor cannot be written: its name, its type, or a second tensor of the same name.
    public static let storeTensor = Self("store-tensor", .badData)
    /// A tensor's bytes are not as many as its type and shape need.
    public static let storeTensorBytes = Self("store-tensor-bytes", .internalBug)
}
