import Foundation
import UD2MTestSupport

/// What `swift package dump-package` says about the manifest.
struct PackageDescription: Decodable {
    struct Target: Decodable {
        let name: String
        let type: String
        let path: String?
        let dependencies: [Dependency]
    }

    /// A dependency as SwiftPM prints it: an object with one key for the kind, whose list starts with the name.
    struct Dependency: Decodable {
        let name: String

        init(from decoder: any Decoder) throws {
            let kinds = try decoder.singleValueContainer().decode([String: [Part?]].self)
            guard kinds.count == 1, let name = kinds.values.first?.first??.text else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "a dependency has no name"))
            }
            self.name = name
        }

        /// A text, or a condition that says nothing about the name.
        private struct Part: Decodable {
            let text: String?

            init(from decoder: any Decoder) throws {
                text = try? decoder.singleValueContainer().decode(String.self)
            }
        }
    }

    let targets: [Target]

    /// Asks SwiftPM. It gets a scratch folder of its own, since the one of this test run is locked by it.
    static func load() throws -> PackageDescription {
        let folder = try TemporaryDirectory()
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "--package-path", RepositoryPaths.root.path(percentEncoded: false),
            "--scratch-path", folder.path("scratch"), "dump-package",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        struct Failed: Error { let status: Int32 }
        guard process.terminationStatus == 0 else { throw Failed(status: process.terminationStatus) }
        return try JSONDecoder().decode(PackageDescription.self, from: data)
    }
}
