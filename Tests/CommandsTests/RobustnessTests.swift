import Foundation
import Testing
import UD2MFormats
import UD2MImaging
import UD2MTestSupport

/// What a careless or hostile caller does to the tools.
@Suite("robustness of the tools")
struct RobustnessTests {
    let folder: TemporaryDirectory
    let store: String

    init() throws {
        folder = try TemporaryDirectory()
        store = folder.path("prior.ud2w")
        try #require(try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"]).exitCode == 0)
    }

    private func write(_ text: String, _ name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: folder.path(name)))
        return folder.path(name)
    }

    @Test("results that cannot be printed are an error, lost messages are not", arguments: ["--json", "--dry-run"])
    func fullOutput(flag: String) throws {
        let tool = try BuiltTool("ud2m-convert").url.path(percentEncoded: false)
        let shell = BuiltTool(url: URL(filePath: "/bin/sh"))
        let output = folder.path("out.ud2w")
        let full = try shell.run(["-c", "'\(tool)' '\(ToolTest.prior)' '\(output)' \(flag) >/dev/full"])
        #expect(full.exitCode == 74, "\(full.errorText)")
        let other = folder.path("other.ud2w")
        let deaf = try shell.run(["-c", "'\(tool)' /nowhere.pt '\(other)' 2>/dev/full"])
        #expect(deaf.exitCode == 66)
    }

    @Test("a file that is cut short while it is read is an error that names it", arguments: [true, false])
    func shrunkFile(asJSON: Bool) throws {
        let path = folder.path("large.safetensors")
        let count = 2 << 30
        let header = #"{"w":{"dtype":"F32","shape":[\#(count / 4)],"data_offsets":[0,\#(count)]}}"#
        let padded = header + String(repeating: " ", count: 8 - header.utf8.count % 8)
        var size = UInt64(padded.utf8.count).littleEndian
        try (Data(bytes: &size, count: 8) + Data(padded.utf8)).write(to: URL(filePath: path))
        // Without a byte on the disk: holes read as zeros.
        #expect(truncate(path, off_t(8 + padded.utf8.count + count)) == 0)
        let arguments = ["stat", path, "--io", "mmap"] + (asJSON ? ["--json"] : [])
        let (process, _, errors) = try BuiltTool("ud2m-convert").start(arguments)
        usleep(300_000)
        #expect(truncate(path, 1 << 20) == 0)
        let text = String(decoding: errors.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 75, "\(text)")
        guard asJSON else {
            #expect(text.contains(path) && text.contains("[file-changed]"), "\(text)")
            return
        }
        let error = try #require(try JSONDocument(Data(text.utf8)).object?["error"]?.object)
        #expect(error["code"]?.string == "file-changed")
        #expect(error["location"]?.object?["file"]?.string == path)
    }

    @Test(
        "operator files with absurd numbers are refused",
        arguments: [
            #"{"version":1,"task":"sr","sigma":0.02,"factor":9223372036854775807,"kernel":{"kind":"bicubic"}}"#,
            #"{"version":1,"task":"sr","sigma":0.02,"factor":0,"kernel":{"kind":"bicubic"}}"#,
            #"{"version":1,"task":"deblur","sigma":-1,"kernel":{"kind":"uniform","size":3}}"#,
            #"{"version":1,"task":"deblur","sigma":0.1,"kernel":{"kind":"uniform","size":9000000000}}"#,
            #"{"version":1,"task":"deblur","sigma":0.1,"kernel":{"kind":"gaussian","size":3,"variance":-1}}"#,
            #"{"version":2,"task":"deblur","sigma":0.1}"#, "[]", "",
        ])
    func operatorFiles(_ text: String) throws {
        let file = try write(text, "operator.json")
        let error = try ToolTest.failure(
            "ud2m", ["restore", store, ToolTest.photo, "-o", folder.path("o.png"), "--operator", file], exitCode: 65)
        #expect(error.object?["code"]?.string == "operator-file")
        #expect(error.object?["location"]?.object?["file"]?.string == file)
    }

    @Test("a perfect restoration has an infinite ratio, in valid JSON")
    func infiniteRatio() throws {
        let mask = folder.path("mask.png")
        let clean = folder.path("clean.png")
        try ImageFile.write(ImageBuffer(width: 16, height: 16, channels: 3, filledWith: 0), to: clean)
        try ImageFile.write(ImageBuffer(width: 16, height: 16, channels: 1, filledWith: 1), to: mask)
        let result = try BuiltTool("ud2m").run(
            ["restore", store, clean, "-o", folder.path("o.png"), "--task", "inpaint", "--mask", mask]
                + ["--reference", clean, "--json"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        let report = try ToolTest.checked(result.output, "restore")
        #expect(report.object?["psnr"]?.object?["observation"]?.string == "Infinity")
    }

    @Test("no input is ever replaced, and no two outputs share a path")
    func outputsApart() throws {
        let image = folder.path("image.png")
        try FileManager.default.copyItem(atPath: ToolTest.photo, toPath: image)
        let restore = ["restore", store, image, "--task", "deblur", "--force"]
        let reference = ["--reference", ToolTest.photo]
        for arguments in [restore + ["-o", image], ["degrade", image, "-o", image, "--task", "deblur", "--force"]] {
            let error = try ToolTest.failure("ud2m", arguments, exitCode: 73)
            #expect(error.object?["code"]?.string == "output-is-input")
        }
        let twice = folder.path("o.png")
        let error = try ToolTest.failure(
            "ud2m", restore + reference + ["-o", twice, "--grid", twice], exitCode: 64)
        #expect(error.object?["code"]?.string == "output-named-twice")
        #expect(try folder.names().sorted() == ["image.png", "prior.ud2w"])
    }

    @Test("an output of the wrong kind is refused before any work, and leaves nothing")
    func outputSuffix() throws {
        let degrade = ["degrade", ToolTest.photo, "-o", folder.path("o.txt"), "--task", "inpaint"]
        #expect(try ToolTest.failure("ud2m", degrade, exitCode: 64).object?["code"]?.string == "output-suffix")
        let lossy = ["degrade", ToolTest.photo, "-o", folder.path("o.jpg"), "--task", "inpaint"]
        #expect(try ToolTest.failure("ud2m", lossy, exitCode: 64).object?["code"]?.string == "output-suffix")
        #expect(try folder.names() == ["prior.ud2w"])
    }

    @Test("usage errors are JSON under --json")
    func usageAsJSON() throws {
        let error = try ToolTest.failure("ud2m", ["restore"], exitCode: 64)
        #expect(error.object?["category"]?.string == "usage")
    }

    @Test("a checkpoint where a store belongs is told what to do")
    func checkpointAsStore() throws {
        let error = try ToolTest.failure(
            "ud2m", ["restore", ToolTest.prior, ToolTest.photo, "-o", folder.path("o.png"), "--task", "deblur"],
            exitCode: 65)
        #expect(error.object?["code"]?.string == "store-is-checkpoint")
    }

    @Test("a dry run that would fail exits 1")
    func failingDryRun() throws {
        let half = folder.path("half.safetensors")
        try PartialCheckpoint.write(of: ToolTest.prior, without: "out.2.bias", to: half)
        let dry = try BuiltTool("ud2m-convert").run([half, "--dry-run", "--json"])
        #expect(dry.exitCode == 1)
        #expect(try ToolTest.checked(dry.output, "convert").object?["missing"]?.array?.count == 1)
        let error = try ToolTest.failure("ud2m-convert", [half, folder.path("o.ud2w")], exitCode: 65)
        #expect(error.object?["code"]?.string == "tensors-missing")
        #expect(error.object?["location"]?.object?["file"]?.string == half)
    }
}
