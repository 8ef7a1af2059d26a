import Foundation
import Testing
import UD2MImaging
import UD2MTestSupport

/// `ud2m restore` with references, metrics and a RAM network from files.
@Suite("ud2m restore, references and RAM")
struct RestoreReferenceTests {
    let folder: TemporaryDirectory
    let store: String
    private let quick = ["--task", "deblur", "--steps", "2", "--iterations", "1", "--json"]

    init() throws {
        folder = try TemporaryDirectory()
        store = folder.path("prior.ud2w")
        try #require(try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"]).exitCode == 0)
        for name in ["seen", "clean"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
        }
        let photo = try ImageFile.read(ToolTest.photo).image
        for (name, size) in [("a", 32), ("b", 48)] {
            try ImageFile.write(photo.centerCropped(width: size, height: size), to: folder.path("clean/\(name).png"))
            let made = try BuiltTool("ud2m").run([
                "degrade", folder.path("clean/\(name).png"), "-o", folder.path("seen/\(name).png"), "--task", "deblur",
            ])
            try #require(made.exitCode == 0, "\(made.errorText)")
        }
    }

    private func restore(_ arguments: [String], exitCode: Int32 = 0) throws -> [String: JSONDocument] {
        let result = try BuiltTool("ud2m").run(["restore", store] + arguments + quick)
        #expect(result.exitCode == exitCode, "\(result.errorText)")
        return try #require(try ToolTest.checked(result.output, "restore").object)
    }

    @Test("a folder of references gives PSNR, SSIM and LPIPS of each image, their means, and a table")
    func folderOfReferences() throws {
        let lpips = folder.path("lpips.ud2w")
        try MetricStores.writeLPIPS(to: lpips)
        let csv = folder.path("scores.csv")
        let report = try restore([
            folder.path("seen/*.png"), "-o", folder.path("out") + "/", "--reference", folder.path("clean"), "--lpips",
            lpips,
            "--csv", csv,
        ])
        let files = try #require(report["files"]?.array)
        #expect(files.count == 2)
        for metric in ["psnr", "ssim", "lpips"] {
            let values = try files.map { file in
                try #require(file.object?[metric]?.object?["restored"]?.number)
            }
            let mean = try #require(report["means"]?.object?[metric]?.object?["restored"]?.number)
            #expect(values.allSatisfy(\.isFinite) && abs(values.reduce(0, +) / 2 - mean) < 1e-6)
        }
        let lines = try String(contentsOfFile: csv, encoding: .utf8).split(separator: "\r\n")
        #expect(lines.count == 3 && lines[1].split(separator: ",", omittingEmptySubsequences: false).count == 10)
    }

    @Test("an image without a reference, and a reference of another size, are told and stop nothing else")
    func unpaired() throws {
        try FileManager.default.removeItem(atPath: folder.path("clean/a.png"))
        try ImageFile.write(
            ImageFile.read(folder.path("clean/b.png")).image.centerCropped(width: 40, height: 40),
            to: folder.path("clean/a.png"))
        let report = try restore(
            [folder.path("seen/*.png"), "-o", folder.path("out") + "/", "--reference", folder.path("clean")],
            exitCode: 3)
        let codes = try #require(report["files"]?.array).map { $0.object?["error"]?.object?["code"]?.string }
        #expect(codes == ["reference-size", nil])
    }

    @Test("steps start from a RAM network that is named, and from nothing that is none")
    func ram() throws {
        let ram = folder.path("ram.ud2w")
        try RAMWeights.writeStore(to: ram)
        let image = folder.path("seen/a.png")
        let report = try restore([image, "-o", folder.path("ram.png"), "--ram", ram])
        #expect(report["settings"]?.object?["warmStart"]?.string == "ram")
        _ = try restore([image, "-o", folder.path("plain.png")])
        let (first, second) = (
            try Data(contentsOf: URL(filePath: folder.path("ram.png"))),
            try Data(contentsOf: URL(filePath: folder.path("plain.png")))
        )
        #expect(first != second)
        let wrong = try ToolTest.failure(
            "ud2m", ["restore", store, image, "-o", folder.path("no.png"), "--ram", store] + quick.dropLast(),
            exitCode: 65)
        #expect(wrong.object?["code"]?.string == "network-configuration")
        #expect(!FileManager.default.fileExists(atPath: folder.path("no.png")))
    }
}
