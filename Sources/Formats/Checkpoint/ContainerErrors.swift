extension UD2MError.Code {
    /// The file is of a known kind that is not read.
    public static let containerUnsupported = Self("container-unsupported", .badData)
    /// The file's first bytes fit no known kind.
    public static let containerUnknown = Self("container-unknown", .badData)
    /// The file has no bytes.
    public static let fileEmpty = Self("file-empty", .badData)
    /// The file holds zero bytes only.
    public static let fileAllZero = Self("file-all-zero", .badData)
    /// A git-lfs pointer instead of the file it points to.
    public static let gitLFSPointer = Self("git-lfs-pointer", .badData)
    /// A web page instead of a checkpoint.
    public static let htmlPage = Self("html-page", .badData)
    /// A server's error message instead of a checkpoint.
    public static let serverMessage = Self("server-message", .badData)
    /// A compressed file that may hold a checkpoint.
    public static let compressedFile = Self("compressed-file", .badData)
    /// A model file of another framework.
    public static let foreignFormat = Self("foreign-format", .badData)
    /// A pickle without tensors around it.
    public static let barePickle = Self("bare-pickle", .badData)
}
