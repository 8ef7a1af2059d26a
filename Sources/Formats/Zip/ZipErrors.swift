extension UD2MError.Code {
    /// No end record reaches the end of the file: the archive is cut short, or no archive.
    public static let zipEndMissing = Self("zip-end-missing", .badData)
    /// Two end records both reach the end of the file, so two readers may see two archives.
    public static let zipEndAmbiguous = Self("zip-end-ambiguous", .badData)
    /// The end records, or their counts, sizes and offsets, contradict each other or the file.
    public static let zipEndInconsistent = Self("zip-end-inconsistent", .badData)
    /// The archive is one part of several.
    public static let zipMultiDisk = Self("zip-multi-disk", .badData)
    /// The central directory is malformed.
    public static let zipDirectoryMalformed = Self("zip-directory-malformed", .badData)
    /// A limit on entries, names or the directory's size is exceeded.
    public static let zipLimit = Self("zip-limit", .badData)
    /// Bytes precede the first entry.
    public static let zipPrefix = Self("zip-prefix", .badData)
    /// An entry's local header contradicts the central directory.
    public static let zipHeaderMismatch = Self("zip-header-mismatch", .badData)
    /// An entry's data descriptor contradicts the central directory.
    public static let zipDescriptorMismatch = Self("zip-descriptor-mismatch", .badData)
    /// An entry's bytes do not lie before the central directory.
    public static let zipEntryOutside = Self("zip-entry-outside", .badData)
    /// Two entries share bytes.
    public static let zipOverlap = Self("zip-overlap", .badData)
    /// Two entries have the same name.
    public static let zipDuplicateName = Self("zip-duplicate-name", .badData)
    /// An entry that is needed has a name that is not a plain relative path.
    public static let zipUnsafeName = Self("zip-unsafe-name", .badData)
    /// An entry is encrypted.
    public static let zipEncrypted = Self("zip-encrypted", .badData)
    /// An entry is compressed by a method other than deflate.
    public static let zipMethodUnsupported = Self("zip-method-unsupported", .badData)
    /// Inflating yields more, or fewer, bytes than declared, or fails.
    public static let zipInflateFailed = Self("zip-inflate-failed", .badData)
    /// An entry would inflate to more than the limits allow.
    public static let zipBomb = Self("zip-bomb", .badData)
    /// An entry's bytes do not match its checksum.
    public static let zipChecksum = Self("zip-checksum", .badData)
}
