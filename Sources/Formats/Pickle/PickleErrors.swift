extension UD2MError.Code {
    /// The stream ends inside an opcode, or before STOP.
    public static let pickleTruncated = Self("pickle-truncated", .badData)
    /// A byte that is no opcode.
    public static let pickleUnknownOpcode = Self("pickle-unknown-opcode", .badData)
    /// An opcode that only makes sense inside one Python process, or outside this container.
    public static let pickleForbiddenOpcode = Self("pickle-forbidden-opcode", .badData)
    /// A protocol number above 5, or a PROTO that is not the first opcode.
    public static let pickleProtocol = Self("pickle-protocol", .badData)
    /// A value is popped that is not there, or lies below an open mark.
    public static let pickleStackUnderflow = Self("pickle-stack-underflow", .badData)
    /// STOP with more than one value, or an open mark.
    public static let pickleStackLeftover = Self("pickle-stack-leftover", .badData)
    /// A number, text or line that is malformed.
    public static let pickleMalformedValue = Self("pickle-malformed-value", .badData)
    /// An opcode meets a value of a kind it cannot work on.
    public static let pickleWrongKind = Self("pickle-wrong-kind", .badData)
    /// GET of a memo entry that was never put.
    public static let pickleMemoMissing = Self("pickle-memo-missing", .badData)
    /// BUILD on a class, or of an attribute that changes what an object is.
    public static let pickleForbiddenBuild = Self("pickle-forbidden-build", .badData)
    /// A limit on operations, values or bytes is exceeded.
    public static let pickleLimit = Self("pickle-limit", .badData)
}
