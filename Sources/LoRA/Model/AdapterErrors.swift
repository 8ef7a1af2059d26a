import UD2MFormats

extension UD2MError.Code {
    /// The file holds no adapter.
    public static let adapterMissing = Self("adapter-missing", .badData)
    /// Several state dicts of the file hold an adapter.
    public static let adapterAmbiguous = Self("adapter-ambiguous", .usage)
    /// The file mixes the names of several conventions.
    public static let adapterMixed = Self("adapter-mixed", .badData)
    /// A kind of adapter that is not a sum of factors or whole tensors, or is not known.
    public static let adapterKind = Self("adapter-kind", .badData)
    /// One of the tensors that make a change is missing.
    public static let adapterIncomplete = Self("adapter-incomplete", .badData)
    /// The factors of a change do not fit each other.
    public static let adapterShape = Self("adapter-shape", .badData)
    /// A rank is zero, or not the one that the configuration says.
    public static let adapterRank = Self("adapter-rank", .badData)
    /// A number of the adapter is not finite.
    public static let adapterNotFinite = Self("adapter-not-finite", .badData)
    /// Nothing says what the product of the factors is multiplied by.
    public static let adapterAlphaMissing = Self("adapter-alpha-missing", .badData)
    /// `adapter_config.json`, or what a file's metadata say in its place, is malformed or asks for what is not supported.
    public static let adapterConfiguration = Self("adapter-configuration", .badData)
    /// A name without its dots fits several modules of the base.
    public static let adapterNameAmbiguous = Self("adapter-name-ambiguous", .badData)
    /// The base does not have what the adapter changes, or in other shapes.
    public static let adapterBaseMismatch = Self("adapter-base-mismatch", .badData)
    /// A convention has no place for what the adapter holds.
    public static let adapterNotExpressible = Self("adapter-not-expressible", .usage)
    /// The network's own record says that the adapter is in it.
    public static let adapterMergedAlready = Self("adapter-merged-already", .usage)
    /// A change cannot be taken back.
    public static let adapterIrreversible = Self("adapter-irreversible", .usage)
}
