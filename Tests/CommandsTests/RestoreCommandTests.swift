import Foundation
import Testing
import UD2MFormats
import UD2MImaging
import UD2MTestSupport

/// The whole way from a checkpoint to a better picture, on the demo prior.
///
/// The floors are the figures of the demo's README (`Examples/demo`): means over four photographs, here one.
@Suite("ud2m degrade and restore", .serialized)
struct RestoreCommandTests {
    let folder: TemporaryDirectory
    let store: String

    init() throws {
        folder = try TemporaryDirectory()
        store = folder.path("prior.ud2w")
        let result = try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"])
        try #require(result.exitCode == 0, "\(result.errorText)")
    }

    /// Degrades an image and gives the observation's path.
    private func degrade(_ image: String, _ task: String, _ more: [String] = []) throws -> String {
        let observation = folder.path("\(task).png")
        let result = try BuiltTool("ud2m").run(
            ["degrade", image, "-o", observation, "--task", task, "--seed", "1", "--json", "--force"] + more)
        try #require(result.exitCode == 0, "\(result.errorText)")
        _ = try ToolTest.checked(result.output, "degrade")
        let file = try Data(contentsOf: URL(filePath: "\(observation).operator.json"))
        _ = try ToolTest.checked(file, "operator")
        return observation
    }

    private func restore(_ observation: String, _ output: String, _ more: [String]) throws -> JSONDocument {
        let result = try BuiltTool("ud2m").run(
            ["restore", store, observation, "-o", output, "--json", "--operator", "\(observation).operator.json"] + more
        )
        try #require(result.exitCode == 0, "\(result.errorText)")
        return try ToolTest.checked(result.output, "restore")
    }

    @Test("each task gains what the recipe promises", arguments: [("deblur", 1.5), ("inpaint", 9.0), ("sr", 1.0)])
    func gains(task: String, decibels: Double) throws {
        let observation = try degrade(ToolTest.photo, task)
        let report = try restore(
            observation, folder.path("restored.png"),
            ["--reference", ToolTest.photo, "--grid", folder.path("grid.png")])
        let psnr = try #require(report.object?["psnr"]?.object)
        let before = try #require(psnr["observation"]?.number)
        let after = try #require(psnr["restored"]?.number)
        #expect(after - before >= decibels)
        let restored = try ImageFile.read(folder.path("restored.png"))
        #expect(restored.image.width == 256 && restored.image.height == 256)
        #expect(restored.text.contains { $0.keyword == "ud2m" })
        let grid = try ImageFile.read(folder.path("grid.png")).image
        #expect(grid.width > 3 * 256)
    }

    /// The mean over four photographs gains at every quality (`docs/restore.md`); the centre of this one alone loses up to
    /// 0.2 dB of what fine compression leaves.
    @Test(
        "weak noise and compression lose next to nothing",
        arguments: [
            ("denoise", "0.001", "10", -0.05), ("denoise", "0.005", "10", 0.1), ("denoise", "0.05", "10", 3.0),
            ("jpeg", "0.001", "5", 0.0), ("jpeg", "0.001", "10", 0.0), ("jpeg", "0.001", "30", -0.25),
            ("jpeg", "0.001", "60", -0.25), ("jpeg", "0.025", "10", 0.5),
        ])
    func losesNothing(task: String, sigma: String, quality: String, decibels: Double) throws {
        let small = folder.path("small.png")
        try ImageFile.write(try ImageFile.read(ToolTest.photo).image.centerCropped(width: 64, height: 64), to: small)
        let compression = task == "jpeg" ? ["--quality", quality] : []
        let observation = try degrade(small, task, ["--sigma", sigma] + compression)
        let report = try restore(observation, folder.path("restored.png"), ["--reference", small])
        let psnr = try #require(report.object?["psnr"]?.object)
        let before = try #require(psnr["observation"]?.number)
        let after = try #require(psnr["restored"]?.number)
        #expect(after - before >= decibels, "\(before) -> \(after)")
    }

    @Test("the closing step and JPEG's steps are settings")
    func closingAndSteps() throws {
        let small = folder.path("small.png")
        try ImageFile.write(try ImageFile.read(ToolTest.photo).image.centerCropped(width: 32, height: 32), to: small)
        let observation = try degrade(small, "jpeg")
        func restored(_ options: [String]) throws -> (bytes: Data, closing: Double?) {
            let output = folder.path("restored.png")
            let report = try restore(observation, output, options + ["--force"])
            let settings = report.object?["settings"]?.object
            return (try Data(contentsOf: URL(filePath: output)), settings?["closingLevel"]?.number)
        }
        let usual = try restored([])
        #expect(usual.closing != nil)
        let open = try restored(["--closing-level", "0"])
        #expect(open.closing == nil && open.bytes != usual.bytes)
        #expect(try restored(["--closing-level", "0.5"]).closing == 0.5)
        #expect(try restored(["--jpeg-steps", "30"]).bytes != usual.bytes)
        #expect(try restored(["--jpeg-rate", "0.001"]).bytes != usual.bytes)
        for wrong in [["--jpeg-steps", "2"], ["--jpeg-rate", "0"], ["--closing-level", "-1"]] {
            let arguments = ["restore", store, observation, "-o", folder.path("no.png"), "--task", "jpeg"]
            #expect(try BuiltTool("ud2m").run(arguments + wrong).exitCode == 64)
        }
        let flavour = ["restore", store, observation, "-o", folder.path("no.png"), "--task", "jpeg"]
        let error = try ToolTest.failure(
            "ud2m", flavour + ["--flavour", "reference", "--closing-level", "0.1"], exitCode: 64)
        #expect(error.object?["code"]?.string == "sampler-option")
    }

    @Test("the same seed gives the same picture on any number of threads, another seed another")
    func reproducible() throws {
        let small = folder.path("small.png")
        let crop = try ImageFile.read(ToolTest.photo).image.centerCropped(width: 40, height: 32)
        try ImageFile.write(crop, to: small)
        let observation = try degrade(small, "deblur")
        func bytes(_ arguments: [String]) throws -> Data {
            let output = folder.path("restored.png")
            _ = try restore(observation, output, arguments + ["--force"])
            return try Data(contentsOf: URL(filePath: output))
        }
        let one = try bytes(["--threads", "1", "--seed", "5"])
        #expect(try bytes(["--threads", "2", "--seed", "5"]) == one)
        #expect(try bytes(["--threads", "3", "--seed", "5"]) == one)
        #expect(try bytes(["--seed", "6"]) != one)
    }

    @Test("any size, grey or colour", arguments: [(37, 29, false), (24, 44, true)])
    func sizes(width: Int, height: Int, isGrey: Bool) throws {
        let crop = try ImageFile.read(ToolTest.photo).image.centerCropped(width: width, height: height)
        let small = folder.path("small.png")
        try ImageFile.write(isGrey ? crop.grey : crop, to: small)
        let observation = try degrade(small, "inpaint", ["--missing", "0.5"])
        let output = folder.path("restored.png")
        _ = try restore(observation, output, ["--reference", small])
        let restored = try ImageFile.read(output).image
        #expect(restored.width == width && restored.height == height)
        #expect(restored.channels == (isGrey ? 1 : 3))
    }

    @Test("what cannot be restored is an error that writes nothing")
    func errors() throws {
        let output = folder.path("restored.png")
        let base = ["restore", store, ToolTest.photo, "-o", output]
        #expect(try BuiltTool("ud2m").run(base).exitCode == 64)
        let mask = try ToolTest.failure("ud2m", base + ["--task", "inpaint"], exitCode: 64)
        #expect(mask.object?["code"]?.string == "operator-parameter-missing")
        let text = folder.path("note.png")
        try Data("not a picture".utf8).write(to: URL(filePath: text))
        let image = try ToolTest.failure(
            "ud2m", ["restore", store, text, "-o", output, "--task", "deblur"], exitCode: 65)
        #expect(image.object?["code"]?.string == "image-not-an-image")
        let noStore = try ToolTest.failure(
            "ud2m", ["restore", folder.path("no.ud2w"), ToolTest.photo, "-o", output, "--task", "deblur"], exitCode: 66)
        #expect(noStore.object?["code"]?.string == "file-missing")
        // A prior that its own file says to predict something else than noise.
        let other = folder.path("other.ud2w")
        let config = try JSONValue(parsing: #"{"scheduler": {"prediction_type": "v_prediction"}}"#)
        _ = try WeightStoreWriter(
            tensors: [TensorInput(name: "w", shape: [1], floats: [1])],
            information: StoreMetadata(architecture: WeightStore(path: store).architecture, config: config)
        ).write(to: other)
        let prediction = try ToolTest.failure(
            "ud2m", ["restore", other, ToolTest.photo, "-o", output, "--task", "deblur"], exitCode: 65)
        #expect(prediction.object?["code"]?.string == "prior-prediction")
        #expect(!FileManager.default.fileExists(atPath: output))
    }
}
