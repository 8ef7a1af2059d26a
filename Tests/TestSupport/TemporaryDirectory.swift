import Foundation

/// A new empty folder that goes away with its owner.
public final class TemporaryDirectory: Sendable {
    /// The folder.
    public let url: URL

    /// Creates the folder under the system's temporary folder.
    public init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "ud2m-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    /// The path of a file in the folder; nothing is created.
    public func path(_ name: String) -> String { url.appending(path: name).path(percentEncoded: false) }

    /// The names in the folder, hidden ones too, sorted.
    public func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url.path(percentEncoded: false)).sorted()
    }
}
