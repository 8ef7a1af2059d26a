/// The version of the toolkit.
public enum Version {
    /// Semantic version, as `--version` prints it and stores record it.
    public static let current = "0.1.0"
}
