import UD2MFormats

extension UD2MError.Code {
    /// The file is no task-adapter bundle.
    public static let bundleMissing = Self("bundle-missing", .badData)
    /// The bundle's manifest is missing a part, or has one that makes no sense.
    public static let bundleManifest = Self("bundle-manifest", .badData)
    /// The bundle's manifest is of a version or kind that this reader does not know.
    public static let bundleVersion = Self("bundle-version", .badData)
    /// A tensor of the bundle is missing, of another shape than the manifest says, or belongs to nothing.
    public static let bundleTensor = Self("bundle-tensor", .badData)
    /// Sampler settings are malformed or contradict each other.
    public static let bundleSettings = Self("bundle-settings", .badData)
    /// The network that a bundle belongs to is not where it was looked for.
    public static let bundleBaseMissing = Self("bundle-base-missing", .noInput)
    /// A network is not the one that the bundle was made for.
    public static let bundleBaseOther = Self("bundle-base-other", .badData)
    /// A bundle cannot name this network, as it has no content id.
    public static let bundleBaseUnusable = Self("bundle-base-unusable", .badData)
    /// The bundle does not hold what was asked of it.
    public static let bundlePartMissing = Self("bundle-part-missing", .usage)
}
