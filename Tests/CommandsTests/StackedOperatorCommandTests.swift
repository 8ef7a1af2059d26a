import Foundation
import Testing
import UD2MFormats
import UD2MImaging
import UD2MTestSupport

/// An image seen through several operators: `ud2m degrade --operator A --operator B`, and back from both observations.
@Suite("stacks of operators", .serialized)
struct StackedOperatorCommandTests {
    let folder: TemporaryDirectory
    let store: String
    let image: String

    init() throws {
        folder = try TemporaryDirectory()
        store = folder.path("prior.ud2w")
        let converted = try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"])
        try #require(converted.exitCode == 0, "\(converted.errorText)")
        image = folder.path("small.png")
        try ImageFile.write(ImageFile.read(ToolTest.photo).image.centerCropped(width: 48, height: 32), to: image)
    }

    private func write(_ text: String, _ name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: folder.path(name)))
        return folder.path(name)
    }

    private func blur(_ sigma: String = "0.02") throws -> String {
        try write(
            #"{"version":1,"task":"deblur","kernel":{"kind":"gaussian","size":9,"variance":3},"sigma":\#(sigma)}"#,
            "blur.json")
    }

    private func zoom() throws -> String {
        try write(#"{"version":1,"task":"sr","kernel":{"kind":"bicubic"},"factor":2,"sigma":0.05}"#, "zoom.json")
    }

    private func degrade(_ operators: [String], _ more: [String] = []) throws -> JSONDocument {
        let result = try BuiltTool("ud2m").run(
            ["degrade", image, "-o", folder.path("y.png"), "--json", "--force"] + more
                + operators.flatMap { ["--operator", $0] })
        try #require(result.exitCode == 0, "\(result.errorText)")
        return try ToolTest.checked(result.output, "degrade")
    }

    private func restore(_ observations: [String], _ more: [String]) throws -> JSONDocument {
        let result = try BuiltTool("ud2m").run(
            ["restore", store] + observations.map(folder.path) + ["-o", folder.path("x.png"), "--force", "--json"]
                + ["--reference", image] + more)
        try #require(result.exitCode == 0, "\(result.errorText)")
        return try ToolTest.checked(result.output, "restore")
    }

    private func pixels(_ name: String) throws -> [Float] { try ImageFile.read(folder.path(name)).image.values }

    @Test("there and back: the stack's file and its parts' files give the same image, better than a part alone")
    func roundTrip() throws {
        let report = try degrade([blur(), zoom()]).object
        #expect(
            report?["observations"]?.array?.compactMap(\.string) == [folder.path("y.0.png"), folder.path("y.1.png")])
        let sizes = try ["y.0.png", "y.1.png"].map { try ImageFile.read(folder.path($0)).image.width }
        #expect(sizes == [48, 24])
        let stack = folder.path("y.png.operator.json")
        let file = try ToolTest.checked(Data(contentsOf: URL(filePath: stack)), "operator").object
        #expect(file?["task"]?.string == "stacked" && file?["sigma"]?.number == 0.02)
        #expect(file?["parts"]?.array?.compactMap { $0.object?["task"]?.string } == ["deblur", "sr"])

        let both = try restore(["y.0.png", "y.1.png"], ["--operator", stack])
        let whole = try pixels("x.png")
        #expect(both.object?["observations"]?.array?.count == 2 && both.object?["width"]?.number == 48)
        _ = try restore(["y.0.png", "y.1.png"], ["--operator", blur(), "--operator", zoom()])
        #expect(try pixels("x.png") == whole)
        // A second operator counts.
        let alone = try restore(["y.0.png"], ["--operator", blur()])
        #expect(try pixels("x.png") != whole)
        func psnr(_ report: JSONDocument) throws -> Double {
            try #require(report.object?["psnr"]?.object?["restored"]?.number)
        }
        // The coarse view adds a little: the same, within the luck of one sample, or better.
        #expect(try psnr(both) > psnr(alone) - 0.3)
    }

    @Test("two looks through one operator have noise of their own, and their mean is better than one")
    func twice() throws {
        let same = try blur("0.1")
        _ = try degrade([same, same])
        #expect(try pixels("y.0.png") != pixels("y.1.png"))
        func psnr(_ report: JSONDocument) throws -> Double {
            try #require(report.object?["psnr"]?.object?["restored"]?.number)
        }
        let two = try psnr(
            restore(["y.0.png", "y.1.png"], ["--operator", same, "--operator", same, "--samples", "4"]))
        let one = try psnr(restore(["y.0.png"], ["--operator", same, "--samples", "4"]))
        #expect(two > one)
    }

    @Test("masks and kernels of a stack's parts are copied beside the observations")
    func copies() throws {
        let first = try BuiltTool("ud2m").run(
            ["degrade", image, "-o", folder.path("first.png"), "--task", "inpaint", "--missing", "0.5", "-q"])
        try #require(first.exitCode == 0, "\(first.errorText)")
        _ = try degrade([folder.path("first.png.operator.json"), blur()])
        let mask = try pixels("y.0.png.mask.png")
        #expect(try pixels("first.png.mask.png") == mask && mask.count == 48 * 32)
        try FileManager.default.removeItem(atPath: folder.path("first.png.mask.png"))
        let stack = folder.path("y.png.operator.json")
        _ = try restore(["y.0.png", "y.1.png"], ["--operator", stack, "--steps", "1", "--iterations", "1"])
        // One operator from a file is no stack.
        let single = try degrade([blur()]).object
        #expect(single?["operator"]?.object?["task"]?.string == "deblur")
        #expect(single?["observations"]?.array?.compactMap(\.string) == [folder.path("y.png")])
    }

    @Test("what does not fit a stack is refused")
    func refusals() throws {
        _ = try degrade([blur(), zoom()])
        let stack = folder.path("y.png.operator.json")
        let base = ["-o", folder.path("none.png"), "--operator", stack]
        let (first, second) = (folder.path("y.0.png"), folder.path("y.1.png"))
        func code(_ arguments: [String], _ exitCode: Int32 = 64) throws -> String? {
            try ToolTest.failure("ud2m", arguments, exitCode: exitCode).object?["code"]?.string
        }
        #expect(try code(["restore", store, first] + base) == "observation-count")
        #expect(try code(["restore", store, first, second, image] + base) == "observation-count")
        // The wrong order: images of 24×16 and of 96×64 pixels.
        #expect(try code(["restore", store, second, first] + base) == "operator-shape")
        #expect(try code(["restore", store, first, second, "--resume"] + base) == "usage")
        #expect(try code(["restore", store, first, second, "--warm-start", "ram"] + base) == "ram-missing")
        let jpeg = try write(#"{"version":1,"task":"jpeg","quality":10,"sigma":0.02}"#, "jpeg.json")
        #expect(
            try code(["degrade", image, "-o", folder.path("z.png"), "--operator", jpeg, "--operator", stack])
                == "operator-not-linear")
        for text in [
            #"{"version":1,"task":"stacked","sigma":0.1}"#,
            #"{"version":1,"task":"stacked","sigma":0.1,"parts":[]}"#,
            #"{"version":1,"task":"stacked","sigma":0.1,"parts":[{"version":1,"task":"jpeg","quality":9,"sigma":0.1}]}"#,
            #"{"version":1,"task":"denoise","sigma":0.1,"parts":[{"version":1,"task":"denoise","sigma":0.1}]}"#,
            #"{"version":1,"task":"stacked","sigma":0.1,"parts":[{"version":1,"task":"denoise","sigma":-1}]}"#,
        ] {
            let file = try write(text, "bad.json")
            #expect(try code(["restore", store, first, "-o", "none.png", "--operator", file], 65) == "operator-file")
        }
        let outside = try write(
            #"{"version":1,"task":"stacked","sigma":0.1,"parts":[{"version":1,"task":"inpaint","mask":"../m.png","sigma":0.1}]}"#,
            "outside.json")
        #expect(try code(["restore", store, first, "-o", "none.png", "--operator", outside], 77) == "operator-mask")
        #expect(!FileManager.default.fileExists(atPath: folder.path("none.png")))
    }
}
