import Foundation
import Testing
import UD2MImaging
import UD2MTestSupport

/// Metrics that need no network, and everything around them.
@Suite("ud2m evaluate")
struct EvaluateCommandTests {
    let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        for name in ["a", "b"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: false)
        }
    }

    /// A part of the demo photograph, shifted by levels.
    private func write(_ path: String, x: Int = 0, shift: Float = 0, side: Int = 32, isGrey: Bool = false) throws {
        let crop = try ImageFile.read(ToolTest.photo).image.cropped(x: x, y: 40, width: side, height: side)
        let image = isGrey ? crop.grey : crop
        let shifted = try ImageBuffer(
            width: side, height: side, channels: image.channels, bitDepth: 16,
            clamping: image.values.map { 0.25 + $0 / 2 + shift })
        try ImageFile.write(shifted, to: folder.path(path))
    }

    private func evaluate(_ arguments: [String], exitCode: Int32 = 0) throws -> [String: JSONDocument] {
        let result = try BuiltTool("ud2m").run(["evaluate"] + arguments + ["--json"])
        #expect(result.exitCode == exitCode, "\(result.errorText)")
        return try #require(try ToolTest.checked(result.output, "evaluate").object)
    }

    private func code(_ arguments: [String], exitCode: Int32) throws -> String? {
        try ToolTest.failure("ud2m", ["evaluate"] + arguments, exitCode: exitCode).object?["code"]?.string
    }

    @Test("two files, whatever their names: PSNR of a shift is its level, of equal images infinite")
    func files() throws {
        try write("a/one.png")
        try write("b/two.png", shift: 0.1)
        let report = try evaluate([folder.path("a/one.png"), folder.path("b/two.png")])
        let image = try #require(report["images"]?.array?.first?.object)
        // Half a level of 16 bits in a shift of a tenth.
        #expect(abs(try #require(image["psnr"]?.number) - 20) < 1e-3)
        let similarity = try #require(image["ssim"]?.number)
        #expect(similarity < 1 && similarity > 0.5)
        #expect(report["summary"]?.object?["psnr"]?.object?["deviation"] == nil)
        let same = try evaluate([folder.path("a/one.png"), folder.path("a/one.png")])
        #expect(same["images"]?.array?.first?.object?["psnr"]?.string == "Infinity")
        #expect(same["summary"]?.object?["psnr"]?.object?["identical"]?.number == 1)
        #expect(same["summary"]?.object?["psnr"]?.object?["mean"]?.number == nil)
        let one = try #require(same["summary"]?.object?["ssim"]?.object?["mean"]?.number)
        #expect(abs(one - 1) < 1e-12)
    }

    @Test("folders pair by name; mean, deviation and CSV follow the images")
    func folders() throws {
        for (index, shift) in [Float(0.1), 0.05, 0.2].enumerated() {
            try write("a/\(index),x.png", x: 8 * index)
            try write("b/\(index),x.png", x: 8 * index, shift: shift)
        }
        try Data("notes".utf8).write(to: URL(filePath: folder.path("a/readme.txt")))
        try Data().write(to: URL(filePath: folder.path("a/.hidden.png")))
        let csv = folder.path("out.csv")
        let report = try evaluate([folder.path("a"), folder.path("b"), "--csv", csv, "--metrics", "psnr"])
        let values = try #require(report["images"]?.array).compactMap { $0.object?["psnr"]?.number }
        #expect(values.count == 3)
        let mean = values.reduce(0, +) / 3
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let summary = try #require(report["summary"]?.object?["psnr"]?.object)
        #expect(abs(try #require(summary["mean"]?.number) - mean) < 1e-9)
        #expect(abs(try #require(summary["deviation"]?.number) - (squares / 2).squareRoot()) < 1e-9)
        #expect(report["images"]?.array?.first?.object?["ssim"] == nil)
        #expect(report["notes"]?.array?.count == 1)
        let lines = try String(contentsOfFile: csv, encoding: .utf8).split(separator: "\r\n")
        #expect(lines.first == "name,restored,reference,psnr,error")
        #expect(lines.count == 4)
        #expect(lines.last?.hasPrefix("\"2,x\",\"") == true)
        #expect(try code([folder.path("a"), folder.path("b"), "--csv", csv], exitCode: 73) == "output-exists")
    }

    @Test("images that equal their references are counted, and mean and deviation of PSNR are those of the others")
    func identical() throws {
        for (name, shift) in [("x", Float(0.1)), ("y", 0.05), ("z", 0)] {
            try write("a/\(name).png")
            try write("b/\(name).png", shift: shift)
        }
        let folders = [folder.path("a"), folder.path("b")]
        let csv = folder.path("out.csv")
        let report = try evaluate(folders + ["--csv", csv])
        let finite = try #require(report["images"]?.array).compactMap { $0.object?["psnr"]?.number }
        #expect(finite.count == 2)
        let summary = try #require(report["summary"]?.object?["psnr"]?.object)
        #expect(abs(try #require(summary["mean"]?.number) - (finite[0] + finite[1]) / 2) < 1e-9)
        let deviation = abs(finite[0] - finite[1]) / 2.0.squareRoot()
        #expect(abs(try #require(summary["deviation"]?.number) - deviation) < 1e-9)
        #expect(summary["count"]?.number == 3)
        #expect(summary["identical"]?.number == 1)
        // SSIM of equal images is 1, which counts like any other.
        let similarity = try #require(report["summary"]?.object?["ssim"]?.object)
        #expect(similarity["count"]?.number == 3 && similarity["identical"] == nil)
        let last = try String(contentsOfFile: csv, encoding: .utf8).split(separator: "\r\n").last
        #expect(last?.split(separator: ",").contains("inf") == true)
        let text = String(
            decoding: try BuiltTool("ud2m").run(["evaluate", "--quiet"] + folders).output, as: UTF8.self)
        #expect(!text.contains("NaN") && !text.contains("inf"))
        #expect(text.contains("2 of 3 images"))
    }

    @Test("an image that cannot be measured is recorded and the rest goes on")
    func partial() throws {
        for name in ["good", "small", "broken", "missing"] {
            try write("b/\(name).png", shift: 0.1)
            if name == "good" { try write("a/\(name).png") }
        }
        try write("a/small.png", side: 20)
        try Data("not a picture".utf8).write(to: URL(filePath: folder.path("a/broken.png")))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("a/missing.png"), withDestinationPath: folder.path("nowhere.png"))
        let report = try evaluate([folder.path("a"), folder.path("b")], exitCode: 3)
        let errors = try #require(report["images"]?.array).map { $0.object?["error"]?.object?["code"]?.string }
        #expect(errors == ["image-not-an-image", nil, "image-no-input", "reference-size"])
        #expect(report["summary"]?.object?["psnr"]?.object?["count"]?.number == 1)
        // Alone, each is an error of the whole command.
        let broken = [folder.path("a/broken.png"), folder.path("b/broken.png")]
        #expect(try code(broken, exitCode: 65) == "image-not-an-image")
        let small = [folder.path("a/small.png"), folder.path("b/small.png")]
        #expect(try code(small, exitCode: 64) == "reference-size")
        // When nothing can be measured, the first failure decides.
        try FileManager.default.removeItem(atPath: folder.path("a/good.png"))
        try FileManager.default.removeItem(atPath: folder.path("b/good.png"))
        _ = try evaluate([folder.path("a"), folder.path("b")], exitCode: 65)
    }

    @Test("links are followed, grey meets colour, and borders may be mirrored")
    func kinds() throws {
        try write("a/grey.png", isGrey: true)
        try write("b/target.png", shift: 0.1)
        try FileManager.default.moveItem(atPath: folder.path("b/target.png"), toPath: folder.path("target.png"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("b/grey.png"), withDestinationPath: folder.path("target.png"))
        func similarity(_ more: [String]) throws -> Double {
            let report = try evaluate([folder.path("a"), folder.path("b"), "--metrics", "ssim"] + more)
            return try #require(report["summary"]?.object?["ssim"]?.object?["mean"]?.number)
        }
        let inside = try similarity([])
        #expect(try similarity(["--ssim-border", "reflected"]) != inside)
    }

    @Test("what makes no sense is refused before anything is measured")
    func refusals() throws {
        try write("a/one.png")
        try write("b/two.png")
        let (a, b) = (folder.path("a"), folder.path("b"))
        #expect(try code([a, b], exitCode: 66) == "image-unpaired")
        let kinds = try ToolTest.failure("ud2m", ["evaluate", a, folder.path("b/two.png")], exitCode: 64).object
        #expect(kinds?["code"]?.string == "evaluate-kinds")
        #expect(kinds?["location"]?.object?["file"]?.string == a)
        #expect(kinds?["message"]?.string?.contains(folder.path("b/two.png")) == true)
        #expect(try code([a, folder.path("none")], exitCode: 66) == "file-missing")
        try FileManager.default.createDirectory(atPath: folder.path("c"), withIntermediateDirectories: false)
        #expect(try code([a, folder.path("c")], exitCode: 66) == "folder-without-images")
        try write("b/one.png")
        try FileManager.default.moveItem(atPath: folder.path("b/two.png"), toPath: folder.path("b/one.jpg"))
        #expect(try code([a, b], exitCode: 64) == "image-name-twice")
        for arguments in [
            [a], [a, b, "--metrics", "psnr,mse"], [a, b, "--metrics", ""], [a, b, "--metrics", "lpips"],
            [a, b, "--metrics", "fid"], [a, b, "--reference-statistics", "x.npz"],
            [a, b, "--save-statistics", "x.npz"], [a, b, "--threads", "-1"], [a, b, "--lpips-convention", "pyiqa"],
            [a, b, "--fid-pipeline", "clean-fid"], [a, b, "--fid-patches", "64"], [a, b, "--kid-seed", "1"],
            [a, b, "--kid-subsets", "2"], [a, b, "--kid-subset-size", "2"],
        ] {
            #expect(try BuiltTool("ud2m").run(["evaluate"] + arguments).exitCode == 64)
        }
        #expect(try code([a, b, "--metrics", "lpips", "--lpips", ToolTest.photo], exitCode: 64) == "image-name-twice")
    }

    @Test("text has a row for each image, and only the summary when quiet")
    func text() throws {
        for name in ["x", "y"] {
            try write("a/\(name).png")
            try write("b/\(name).png", shift: 0.1)
        }
        let base = ["evaluate", folder.path("a"), folder.path("b"), "--metrics", "psnr"]
        func lines(_ arguments: [String]) throws -> [Substring] {
            String(decoding: try BuiltTool("ud2m").run(arguments).output, as: UTF8.self).split(separator: "\n")
        }
        #expect(try lines(base).count == 4)
        #expect(try lines(base + ["--quiet"]).count == 1)
    }
}
