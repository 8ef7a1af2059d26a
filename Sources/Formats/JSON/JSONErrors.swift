extension UD2MError.Code {
    /// The text does not follow the JSON grammar.
    public static let jsonSyntax = Self("json-syntax", .badData)
    /// A string is not UTF-8, holds a raw control character, a bad escape or a lone surrogate.
    public static let jsonString = Self("json-string", .badData)
    /// A number is malformed, too long, or out of the range its place allows.
    public static let jsonNumber = Self("json-number", .badData)
    /// An object names the same key twice.
    public static let jsonDuplicateKey = Self("json-duplicate-key", .badData)
    /// Arrays and objects are nested too deep.
    public static let jsonDepth = Self("json-depth", .badData)
    /// Something follows the document's end.
    public static let jsonTrailing = Self("json-trailing", .badData)
    /// A value has the wrong type or range, or a key is missing or unknown.
    public static let jsonField = Self("json-field", .badData)
}
