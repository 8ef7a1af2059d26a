extension UD2MError.Code {
    /// The output exists and may not be replaced.
    public static let outputExists = Self("output-exists", .cannotCreate)
    /// The output is one of the inputs.
    public static let outputIsInput = Self("output-is-input", .cannotCreate)
    /// The output is a symbolic link, which is not followed.
    public static let outputIsLink = Self("output-is-link", .cannotCreate)
    /// The output is a directory, a device, a pipe or a socket.
    public static let outputNotRegular = Self("output-not-regular", .cannotCreate)
    /// The output cannot be created where it should be.
    public static let outputCannotCreate = Self("output-cannot-create", .cannotCreate)
    /// The disk or the quota is full.
    public static let outputNoSpace = Self("output-no-space", .inputOutput)
    /// Writing failed half-way.
    public static let outputWriteFailed = Self("output-write-failed", .inputOutput)
}
