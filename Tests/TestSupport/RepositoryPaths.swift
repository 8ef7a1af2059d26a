import Foundation

/// Where the repository's files are, found from this source file.
public enum RepositoryPaths {
    /// The folder of `Package.swift`.
    public static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The folder of the committed fixtures.
    public static let fixtures = root.appending(path: "Tests/Fixtures")
}
