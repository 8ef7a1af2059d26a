import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Files that PyTorch wrote, or that were made by hand to its rules, against what `make_checkpoints.py` says they hold.
@Suite struct CheckpointFixtureTests {
    /// A tensor as the manifest describes it.
    struct Row: Hashable, CustomTestStringConvertible {
        let path: [[UInt8]]
        let type: String
        let shape: [Int]
        let digest: String

        var testDescription: String {
            "\(path.map { String(decoding: $0, as: UTF8.self) }) \(type) \(shape) \(digest.prefix(8))"
        }
    }

    struct Expectation {
        let container: String
        let rows: [Row]
        let skipped: [[String]]
        let allowsMissingCRC: Bool
    }

    static let folder = RepositoryPaths.fixtures.appending(path: "checkpoints")
    static let manifest: [String: Expectation] = {
        guard let data = try? Data(contentsOf: folder.appending(path: "manifest.json")),
            let document = try? JSONDocument(data), let files = document.object?["files"]?.object
        else { return [:] }
        return files.mapValues { file in
            let rows = (file.object?["tensors"]?.array ?? []).map { row in
                Row(
                    path: (row.object?["path"]?.array ?? []).map { Array(($0.string ?? "").utf8) },
                    type: row.object?["dtype"]?.string ?? "",
                    shape: (row.object?["shape"]?.array ?? []).map { Int($0.number ?? -1) },
                    digest: row.object?["sha256"]?.string ?? "")
            }
            let skipped = (file.object?["skipped"]?.array ?? []).map { path in
                (path.array ?? []).map { $0.string ?? "" }
            }
            return Expectation(
                container: file.object?["container"]?.string ?? "", rows: rows, skipped: skipped,
                allowsMissingCRC: file.object?["allow_missing_crc"] == .bool(true))
        }
    }()

    @Test func theManifestIsThere() {
        #expect(Self.manifest.count >= 89)
    }

    @Test(
        "every tensor has the path, type, shape and bytes of the manifest; none is missing or extra",
        arguments: manifest.keys.sorted())
    func matches(_ name: String) throws {
        let expected = try #require(Self.manifest[name])
        let checkpoint = try Checkpoint.open(
            path: Self.folder.appending(path: name).path(percentEncoded: false),
            allowMissingCRC: expected.allowsMissingCRC)
        #expect(checkpoint.container.rawValue == expected.container)
        try checkpoint.requireSafe()
        let tensors = checkpoint.stateDicts.flatMap(\.tensors) + checkpoint.looseTensors
        var found: [Row: Int] = [:]
        for tensor in tensors { found[try Self.row(tensor), default: 0] += 1 }
        var wanted: [Row: Int] = [:]
        for row in expected.rows { wanted[row, default: 0] += 1 }
        let missing = wanted.filter { found[$0.key] != $0.value }.keys
        let extra = found.filter { wanted[$0.key] != $0.value }.keys
        #expect(missing.isEmpty, "missing: \(missing.map(\.testDescription))")
        #expect(extra.isEmpty, "extra: \(extra.map(\.testDescription))")
        #expect(checkpoint.skipped.map(\.path) == expected.skipped)
    }

    @Test func missingChecksumsAreRefusedUnlessAllowed() throws {
        let path = Self.folder.appending(path: "zip-no-crc.pt").path(percentEncoded: false)
        #expect(thrownError { try Checkpoint.open(path: path) }?.code == .zipChecksum)
    }

    @Test func onePickleOfAPackageIsReadByName() throws {
        let path = Self.folder.appending(path: "package-two.pt").path(percentEncoded: false)
        let checkpoint = try Checkpoint.open(path: path, resource: "models/extra.pkl")
        #expect(checkpoint.stateDicts.map(\.path) == [[]])
        #expect(checkpoint.stateDicts.first?.tensors.map(\.name) == ["w", "ids"])
        #expect(checkpoint.remarks.contains { $0.contains("models/model.pkl") })
        let error = thrownError { try Checkpoint.open(path: path, resource: "models/none.pkl") }
        #expect(error?.code == .torchResource)
        #expect(error?.location.entry == "models/none.pkl")
    }

    private static func row(_ tensor: TensorSource) throws -> Row {
        let digest = try tensor.withContiguousBytes { bytes in
            var hash = try SHA256()
            try hash.update(bytes)
            return try hash.finish()
        }
        return Row(
            path: tensor.path.map { Array($0.utf8) }, type: tensor.elementTypeName, shape: tensor.shape, digest: digest)
    }
}
