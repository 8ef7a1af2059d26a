import Foundation
import Testing

/// A hostile file that `Tests/Fixtures/make_attacks.py` made, with what must become of it.
public struct Attack: Sendable, CustomTestStringConvertible {
    /// A finding the file must be flagged with.
    public struct Flag: Sendable {
        /// `note`, `suspicious` or `dangerous`.
        public let severity: String
        /// The global's name.
        public let global: String
    }

    /// The file's or folder's name under `Tests/Fixtures/attacks`.
    public let name: String
    /// The threat it stands for.
    public let row: String
    /// The code of the error it is refused with, or nil.
    public let code: String?
    /// The findings it must be flagged with.
    public let flags: [Flag]
    /// Whether the refusal comes only when the tensors are read.
    public let isRefusedWhenRead: Bool

    /// The file's path.
    public var path: String {
        RepositoryPaths.fixtures.appending(path: "attacks/\(name)").path(percentEncoded: false)
    }

    /// The name in test reports.
    public var testDescription: String { name }

    /// Every attack, by name.
    public static let all: [Attack] = {
        let url = RepositoryPaths.fixtures.appending(path: "attacks/manifest.json")
        guard let data = try? Data(contentsOf: url), let attacks = (try? JSONDocument(data))?.object else { return [] }
        return attacks.sorted { $0.key < $1.key }.map { name, value in
            let flags = (value.object?["flags"]?.array ?? []).map { flag in
                Flag(severity: flag.array?.first?.string ?? "", global: flag.array?.last?.string ?? "")
            }
            return Attack(
                name: name, row: value.object?["row"]?.string ?? "", code: value.object?["code"]?.string,
                flags: flags, isRefusedWhenRead: value.object?["reads"] == .bool(true))
        }
    }()
}
