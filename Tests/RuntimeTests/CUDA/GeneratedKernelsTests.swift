import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// The committed PTX is what was made of the committed sources, as `Tools/cuda/generate.sh` wrote it down; the script's
/// `--check` compiles them again.
@Suite struct GeneratedKernelsTests {
    private static let folder = RepositoryPaths.root.appending(path: "Sources/CUDA")

    @Test func sourcesAndPTXBelongTogether() throws {
        let sums = try String(contentsOf: Self.folder.appending(path: "ptx/SHA256SUMS"), encoding: .utf8)
        var recorded: Set<String> = []
        for line in sums.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            try #require(words.count == 2)
            let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: String(words[1]))))
            let found = try bytes.withUnsafeBytes { try SHA256.hash($0) }
            #expect(found == String(words[0]), "\(words[1]) has changed: run Tools/cuda/generate.sh")
            recorded.insert(String(words[1]))
        }
        let files = try ["kernels", "ptx"].flatMap { folder in
            try FileManager.default.contentsOfDirectory(atPath: Self.folder.appending(path: folder).path)
                .filter { $0.hasSuffix(".cu") || $0.hasSuffix(".cuh") || $0.hasSuffix(".ptx") }.map {
                    "\(folder)/\($0)"
                }
        }
        #expect(files.count > 20 && recorded.isSuperset(of: files))
    }
}
