import UD2MRuntime

/// The version of the toolkit.
public enum Version {
    /// Semantic version, as `--version` prints it and stores record it.
    public static let current = "0.1.0"
}

/// What `--version --json` prints (`schemas/version.schema.json`).
struct VersionReport: Encodable {
    let tool: String
    let version = Version.current
    let instructionSet = InstructionSet.current
    let backends = ["cpu", "cuda"]
}
