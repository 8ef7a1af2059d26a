import Foundation
import Testing
import UD2MImaging
import UD2MTestSupport

/// `ud2m restore --bundle`, with a bundle of a checkpoint such as UD2M's training writes.
@Suite("ud2m restore with a bundle", .serialized)
struct RestoreBundleTests {
    let folder: TemporaryDirectory
    let base: String
    let image: String

    init() throws {
        folder = try TemporaryDirectory()
        base = folder.path("prior.ud2w")
        let arguments = [ToolTest.fixture("adm/adm_a.pt"), base, "--head-channels", "16", "-q"]
        try #require(try BuiltTool("ud2m-convert").run(arguments).exitCode == 0)
        let run = folder.path("imagenet_lora_sr_bicubic_epoch=010-5.ckpt")
        try RunCheckpoint.write(to: run)
        let operation = folder.path("operator.json")
        try Data(
            #"{"version": 1, "task": "sr", "kernel": {"kind": "bicubic"}, "factor": 2, "sigma": 0.05}"#.utf8
        ).write(to: URL(filePath: operation))
        for (name, more) in [("thin.ud2w", []), ("fat.ud2w", ["--fat"])] {
            let result = try BuiltTool("ud2m").run(
                ["bundle", "create", run, "--base", base, "-o", folder.path(name), "--operator", operation] + more)
            try #require(result.exitCode == 0, "\(result.errorText)")
        }
        image = folder.path("small.png")
        let crop = try ImageFile.read(ToolTest.photo).image.centerCropped(width: 16, height: 16)
        try ImageFile.write(crop, to: image)
    }

    private func restore(_ bundle: String, _ output: String, _ more: [String] = []) throws -> [String: JSONDocument] {
        let result = try BuiltTool("ud2m").run(
            ["restore", "--bundle", folder.path(bundle), image, "-o", folder.path(output), "--json"] + more)
        try #require(result.exitCode == 0, "\(result.errorText)")
        return try #require(try ToolTest.checked(result.output, "restore").object)
    }

    @Test("operator, flavour, scalars and RAM come from the bundle; thin and fat bundles give the same image")
    func settings() throws {
        let report = try restore("thin.ud2w", "thin.png")
        let settings = try #require(report["settings"]?.object)
        #expect(settings["flavour"]?.string == "reference" && settings["warmStart"]?.string == "ram")
        #expect(settings["steps"]?.number == 3 && settings["iterations"]?.number == 3)
        // λ is the exponential of the stored number.
        #expect(abs(try #require(settings["dataWeight"]?.number) - exp(-0.5)) < 1e-6)
        let operation = try #require(report["operator"]?.object)
        #expect(operation["factor"]?.number == 2 && operation["sigma"]?.number == 0.05)
        #expect(report["width"]?.number == 32 && report["bundle"]?.string == folder.path("thin.ud2w"))
        _ = try restore("fat.ud2w", "fat.png")
        let images = try ["thin.png", "fat.png"].map { try ImageFile.read(folder.path($0)).image.values }
        #expect(images[0] == images[1])
    }

    @Test("flags go before the bundle's settings, and its adapter changes the result")
    func overrides() throws {
        let exact = [
            "--flavour", "exact", "--warm-start", "plain", "--steps", "2", "--iterations", "1", "--data-weight", "0.5",
            "--sigma", "0.1",
        ]
        let report = try restore("thin.ud2w", "with.png", exact)
        let settings = try #require(report["settings"]?.object)
        #expect(settings["flavour"]?.string == "exact" && settings["networkEvaluations"]?.number == 2)
        #expect(settings["dataWeight"]?.number == 0.5 && report["operator"]?.object?["sigma"]?.number == 0.1)
        let plain = try BuiltTool("ud2m").run(
            ["restore", base, image, "-o", folder.path("without.png"), "--task", "sr", "--factor", "2"] + exact)
        #expect(plain.exitCode == 0, "\(plain.errorText)")
        let merged = try BuiltTool("ud2m").run(
            [
                "restore", base, image, "-o", folder.path("merged.png"), "--task", "sr", "--factor", "2", "--adapter",
                folder.path("thin.ud2w"), "--eta", "0.8",
            ] + exact)
        #expect(merged.exitCode == 0, "\(merged.errorText)")
        let images = try ["with.png", "without.png", "merged.png"].map {
            try ImageFile.read(folder.path($0)).image.values
        }
        #expect(images[0] != images[1])
        #expect(images[0] == images[2])
    }

    @Test("operator flags go before the bundle's operator, with and without --task; others are refused")
    func operatorFlags() throws {
        func operation(_ more: [String]) throws -> [String: JSONDocument] {
            let quick = ["--steps", "1", "--iterations", "1", "--force"]
            return try #require(try restore("thin.ud2w", "x.png", quick + more)["operator"]?.object)
        }
        let larger = try operation(["--factor", "4"])
        #expect(larger["factor"]?.number == 4 && larger["sigma"]?.number == 0.05)
        #expect(larger["kernel"]?.object?["kind"]?.string == "bicubic")
        #expect(try ImageFile.read(folder.path("x.png")).image.width == 64)
        let blurred = try operation(["--kernel", "gaussian", "--kernel-size", "5", "--kernel-variance", "2"])
        #expect(blurred["factor"]?.number == 2)
        let kernel = try #require(blurred["kernel"]?.object)
        #expect(kernel["kind"]?.string == "gaussian" && kernel["size"]?.number == 5 && kernel["variance"]?.number == 2)
        let named = try operation(["--task", "sr", "--sf", "4"])
        #expect(named["factor"]?.number == 4 && named["sigma"]?.number == 0.05)
        let other = try operation(["--task", "deblur", "--kernel-size", "5"])
        #expect(other["task"]?.string == "deblur" && other["kernel"]?.object?["size"]?.number == 5)
        for (more, flag) in [
            (["--kernel-size", "5"], "--kernel-size"), (["--quality", "5"], "--quality"),
            (["--mask", "m.png"], "--mask"),
        ] {
            let error = try ToolTest.failure(
                "ud2m", ["restore", "--bundle", folder.path("thin.ud2w"), image, "-o", folder.path("none.png")] + more,
                exitCode: 64)
            #expect(error.object?["code"]?.string == "usage")
            #expect(error.object?["message"]?.string?.contains(flag) == true)
        }
    }

    @Test("a base that is not found, or another network, is refused")
    func wrongBase() throws {
        let arguments = ["restore", "--bundle", folder.path("thin.ud2w"), image, "-o", folder.path("x.png")]
        let demo = folder.path("demo.pt.ud2w")
        try #require(try BuiltTool("ud2m-convert").run([ToolTest.prior, demo, "-q"]).exitCode == 0)
        let other = try ToolTest.failure("ud2m", arguments + ["--base", demo], exitCode: 65)
        #expect(other.object?["code"]?.string == "bundle-base-other")
        try FileManager.default.removeItem(atPath: base)
        let missing = try BuiltTool("ud2m").run(arguments + ["--json"])
        #expect(missing.exitCode != 0 && missing.errorText.contains("bundle-base-missing"))
    }
}
