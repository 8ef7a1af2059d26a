import Foundation
import Testing
import UD2MCommands
import UD2MFormats
import UD2MImaging
import UD2MTestSupport

/// `ud2m restore` on several images, with several samples, and its other ways: on crops of the demo photograph.
@Suite("ud2m restore, many images and samples", .serialized)
struct RestoreBatchTests {
    let folder: TemporaryDirectory
    let store: String
    /// Operator flags that need no file.
    let task = ["--task", "deblur"]
    /// Few evaluations: what is tested is not the quality.
    let quick = ["--steps", "2", "--iterations", "1"]

    init() throws {
        folder = try TemporaryDirectory()
        store = folder.path("prior.ud2w")
        let result = try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"])
        try #require(result.exitCode == 0, "\(result.errorText)")
        for name in ["in", "in/deeper"] {
            try FileManager.default.createDirectory(
                atPath: folder.path(name), withIntermediateDirectories: true)
        }
        try write("in/a.png", width: 24, height: 16)
        try write("in/b.png", width: 16, height: 24)
        try write("in/deeper/c.png", width: 16, height: 16)
    }

    private func write(_ name: String, width: Int, height: Int) throws {
        let crop = try ImageFile.read(ToolTest.photo).image.centerCropped(width: width, height: height)
        try ImageFile.write(crop, to: folder.path(name))
    }

    private func run(
        _ images: [String], _ more: [String], exitCode: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> JSONDocument {
        let result = try BuiltTool("ud2m").run(["restore", store] + images + task + quick + more + ["--json"])
        #expect(result.exitCode == exitCode, "\(result.errorText)", sourceLocation: sourceLocation)
        return try ToolTest.checked(result.output, "restore")
    }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.path(name)) }

    @Test("a bad image does not stop the others, and the exit code is 3")
    func keepsGoing() throws {
        try Data("no picture".utf8).write(to: URL(filePath: folder.path("in/aa.png")))
        let report = try run(
            [folder.path("in")], ["--recursive", "-o", folder.path("out") + "/", "--name", "{name}_x.png"], exitCode: 3)
        let files = try #require(report.object?["files"]?.array)
        #expect(files.count == 4)
        #expect(files.compactMap { $0.object?["error"]?.object?["code"]?.string } == ["image-not-an-image"])
        #expect(exists("out/a_x.png") && exists("out/b_x.png") && exists("out/deeper/c_x.png"))
        #expect(!exists("out/aa_x.png"))
    }

    @Test("an image has the same bytes alone and among others, and shards make up the whole")
    func shards() throws {
        let images = [folder.path("in/a.png"), folder.path("in/b.png")]
        _ = try run(images, ["-o", folder.path("all") + "/"])
        _ = try run([images[1]], ["-o", folder.path("alone.png")])
        for shard in ["0/2", "1/2"] { _ = try run(images, ["-o", folder.path("parts") + "/", "--shard", shard]) }
        func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: folder.path(name))) }
        #expect(try bytes("all/b.png") == bytes("alone.png"))
        #expect(try bytes("all/a.png") == bytes("parts/a.png") && bytes("all/b.png") == bytes("parts/b.png"))
    }

    @Test("outputs that would collide, and several images without a folder, are errors before work begins")
    func collisions() throws {
        try write("b.png", width: 16, height: 16)
        let images = [folder.path("in/b.png"), folder.path("b.png")]
        let twice = try ToolTest.failure(
            "ud2m", ["restore", store] + images + task + ["-o", folder.path("out") + "/"], exitCode: 64)
        #expect(twice.object?["code"]?.string == "output-named-twice")
        #expect(!exists("out"))
        let file = try ToolTest.failure(
            "ud2m", ["restore", store] + images + task + ["-o", folder.path("out.png")], exitCode: 64)
        #expect(file.object?["code"]?.string == "output-folder")
    }

    @Test("--resume leaves out what is done, and repairs what was changed")
    func resume() throws {
        let arguments = ["-o", folder.path("out") + "/", "--resume"]
        _ = try run([folder.path("in")], arguments)
        let before = try Data(contentsOf: URL(filePath: folder.path("out/b.png")))
        try Data("damaged".utf8).write(to: URL(filePath: folder.path("out/b.png")))
        let second = try run([folder.path("in")], arguments)
        let files = try #require(second.object?["files"]?.array)
        #expect(files.map { $0.object?["skipped"] == .bool(true) } == [true, false])
        #expect(try Data(contentsOf: URL(filePath: folder.path("out/b.png"))) == before)
        // Other options are other work.
        let third = try run([folder.path("in")], arguments + ["--seed", "1"])
        #expect(try #require(third.object?["files"]?.array).allSatisfy { $0.object?["skipped"] == nil })
    }

    @Test("several samples give a mean, a deviation, quantiles, coverage and each sample, whatever the batch")
    func samples() throws {
        func draw(_ batch: String, _ place: String) throws -> [String: JSONDocument] {
            let report = try run(
                [folder.path("in/a.png")],
                [
                    "-o", folder.path("\(place)/mean.png"), "--samples", "3", "--batch", batch, "--std",
                    folder.path("\(place)/std.png"), "--coverage", folder.path("\(place)/map.png"), "--last",
                    folder.path("\(place)/last.png"), "--save-samples",
                    folder.path("\(place)/each"), "--save-quantiles", folder.path("\(place)/q"), "--quantiles", "0,1",
                    "--progressive", folder.path("\(place)/steps.png"), "--grid", folder.path("\(place)/grid.png"),
                    "--reference", folder.path("in/a.png"),
                ])
            return try #require(report.object)
        }
        let report = try draw("1", "one")
        _ = try draw("3", "three")
        for name in ["mean.png", "std.png", "map.png", "last.png", "each/a-0000.png", "each/a-0002.png", "q/a-q0.png"] {
            let bytes = try Data(contentsOf: URL(filePath: folder.path("one/\(name)")))
            #expect(try Data(contentsOf: URL(filePath: folder.path("three/\(name)"))) == bytes)
        }
        let last = try Data(contentsOf: URL(filePath: folder.path("one/last.png")))
        #expect(try Data(contentsOf: URL(filePath: folder.path("one/each/a-0002.png"))) == last)
        #expect(report["coverage"]?.object?["level"]?.number == 0.9)
        let map = try ImageFile.read(folder.path("one/map.png")).image.values
        #expect(map.allSatisfy { $0 == 0 || $0 == 1 })
        let share = try #require(report["coverage"]?.object?["share"]?.number)
        #expect(abs(Double(map.reduce(0, +)) / Double(map.count) - share) < 1e-9)
        try expectRecord(in: folder.path("one/mean.png"))
        #expect(try #require(report["meanDeviation"]?.number) > 0)
        #expect(report["ssim"] != nil && report["lastSamplePSNR"] != nil)
        #expect(report["settings"]?.object?["networkEvaluations"]?.number == 6)
        let seconds = try #require(report["seconds"]?.number)
        let parts = try #require(report["networkSeconds"]?.number) + #require(report["otherSeconds"]?.number)
        #expect(abs(seconds - parts) < 1e-4)
        let steps = try ImageFile.read(folder.path("one/steps.png")).image
        #expect(steps.width > 2 * 24 && steps.width < 3 * 24)
    }

    /// The text of a PNG file says which weights made it, by what and with which settings.
    private func expectRecord(in path: String) throws {
        let text = try #require(try ImageFile.read(path).text.first { $0.keyword == "ud2m" }).text
        let record = try #require(try JSONDocument(Data(text.utf8)).object)
        let prior = try #require(record["weights"]?.object?["prior"]?.object)
        #expect(prior["file"]?.string == "prior.ud2w")
        #expect(try prior["content"]?.string == WeightStore(path: store).contentID)
        #expect(record["operator"]?.object?["task"]?.string == "deblur")
        #expect(record["settings"]?.object?["samples"]?.number == 3)
    }

    @Test("--dry-run writes nothing and tells evaluations, memory and, unless told not to, the time")
    func dryRun() throws {
        let report = try run(
            [folder.path("in/a.png")], ["-o", folder.path("new/out.png"), "--dry-run"])
        #expect(report.object?["dryRun"] == .bool(true) && !exists("new"))
        #expect(try #require(report.object?["networkMemory"]?.number) > 1000)
        let network = try #require(report.object?["expectedNetworkSeconds"]?.number)
        let other = try #require(report.object?["expectedOtherSeconds"]?.number)
        #expect(network > 0 && other > 0)
        #expect(abs(try #require(report.object?["expectedSeconds"]?.number) - network - other) < 1e-9)
        let untimed = try run(
            [folder.path("in/a.png")], ["-o", folder.path("new/out.png"), "--dry-run", "--no-calibrate"])
        #expect(untimed.object?["expectedSeconds"] == nil)
        for part in ["weightsMapped", "likelihoodMemory", "sampleMemory", "imageMemory"] {
            #expect(try #require(untimed.object?[part]?.number) > 1000, "\(part)")
        }
        // More samples side by side, and all kept for quantiles.
        let many = try run(
            [folder.path("in/a.png")],
            [
                "-o", folder.path("new/out.png"), "--dry-run", "--no-calibrate", "--samples", "8", "--batch", "4",
                "--save-quantiles", folder.path("new/q"),
            ])
        let values = 3.0 * 24 * 16
        let growth =
            try #require(many.object?["sampleMemory"]?.number) - #require(untimed.object?["sampleMemory"]?.number)
        #expect(growth == values * 4 * (3 * 6 + 8))
    }

    @Test("--dry-run of a result that is far larger than its observation works on a corner of it")
    func dryRunOfMuch() throws {
        let result = try BuiltTool("ud2m").run(
            ["restore", store, folder.path("in/a.png"), "--task", "sr", "--factor", "64", "--dry-run", "--json"]
                + ["-o", folder.path("out.png"), "--tile", "64"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        let report = try ToolTest.checked(result.output, "restore")
        let pixels = 64.0 * 64 * 24 * 16
        #expect(report.object?["width"]?.number == 1536)
        // Transfer function, its squares and three spectra; centre, solution and result of three channels.
        #expect(report.object?["likelihoodMemory"]?.number == pixels * (80 + 3 * 24))
        // Of a corner of 512×512 pixels, which has a sixth of these.
        #expect(try #require(report.object?["expectedOtherSeconds"]?.number) > 0)
        #expect(result.text.count > 0 && !exists("out.png"))
    }

    @Test("links to folders are not entered, and a dry run of several images tells the time of all")
    func links() throws {
        try FileManager.default.createDirectory(atPath: folder.path("in/deep"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: folder.path("in/a.png"), toPath: folder.path("in/deep/c.png"))
        for name in ["in/deep/loop", "in/deep/again"] {
            try FileManager.default.createSymbolicLink(atPath: folder.path(name), withDestinationPath: "..")
        }
        let single = try run([folder.path("in/a.png")], ["-o", folder.path("o.png"), "--dry-run"])
        let report = try run([folder.path("in")], ["-o", folder.path("out/"), "--dry-run", "--recursive"])
        let files = try #require(report.object?["files"]?.array)
        let names = Set(files.compactMap { $0.object?["image"]?.string })
        #expect(names.count == files.count && names.contains(folder.path("in/deep/c.png")))
        #expect(!names.contains { $0.contains("loop") || $0.contains("again") })
        let total = try #require(report.object?["expectedSeconds"]?.number)
        let parts = files.compactMap { $0.object?["expectedSeconds"]?.number }
        #expect(parts.count == files.count && abs(parts.reduce(0, +) - total) < 1e-9)
        #expect(single.object?["expectedSeconds"]?.number != nil)
    }

    @Test("the time of an evaluation is told by what grows with the pixels and what grows with their square")
    func growth() {
        // 3 ns a pixel and 2e-5 ns a square.
        func seconds(_ pixels: Int) -> Double { 3e-9 * Double(pixels) + 2e-14 * Double(pixels) * Double(pixels) }
        var growth = EvaluationGrowth(pixels: 1 << 14, seconds: seconds(1 << 14))
        #expect(abs(growth.seconds(pixels: 1 << 16) / (4 * seconds(1 << 14)) - 1) < 1e-9)
        for shift in [16, 18] { growth.add(pixels: 1 << shift, seconds: seconds(1 << shift)) }
        #expect(abs(growth.seconds(pixels: 1 << 24) / seconds(1 << 24) - 1) < 1e-9)
        // A larger image that takes less a pixel does not make the largest take nothing.
        growth.add(pixels: 1 << 20, seconds: seconds(1 << 18))
        #expect(abs(growth.seconds(pixels: 1 << 24) / (16 * seconds(1 << 18)) - 1) < 1e-9)
    }

    @Test("--dry-run tells a person flavour, N, K, operator, samples and every part of memory, also under -q")
    func dryRunText() throws {
        let result = try BuiltTool("ud2m").run(
            ["restore", store, folder.path("in/a.png"), "-o", folder.path("out.png"), "--dry-run", "-q"] + task + quick
                + ["--samples", "5"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        for word in [
            "24×16", "deblurring", "0.025", "exact", "N = 2", "K = 1", "5, 10 evaluations", "network", "samples",
            "images", "weights", "mapped",
        ] {
            #expect(result.text.contains(word), "\(word) is not in \(result.text)")
        }
    }

    @Test("-q prints the lines of numbers and nothing else")
    func quiet() throws {
        func text(_ images: [String], _ more: [String]) throws -> [Substring] {
            let result = try BuiltTool("ud2m").run(["restore", store] + images + task + quick + more + ["-q"])
            #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errorText)")
            return result.text.split(separator: "\n")
        }
        let image = folder.path("in/a.png")
        let one = try text([image], ["-o", folder.path("out.png"), "--reference", image])
        #expect(one.count == 1 && one.allSatisfy { $0.hasPrefix("deblur: ") && $0.contains(" dB -> ") }, "\(one)")
        let many = try text(
            [image, folder.path("in/b.png")], ["-o", folder.path("out") + "/", "--reference", folder.path("in")])
        #expect(many.count == 3 && many.allSatisfy { $0.contains(" dB -> ") }, "\(many)")
        #expect(try text([image], ["-o", folder.path("two.png")]).isEmpty)
    }

    @Test(
        "--posterior-spread sets what it says, flags go before it, and a flat prior's samples deviate as the noise does"
    )
    func posteriorSpread() throws {
        // Without its last layer's weights the network predicts no noise anywhere: no image is likelier than another.
        let weights = folder.path("flat.safetensors")
        let tensors = try Checkpoint.open(path: ToolTest.prior).stateDicts.first?.tensors ?? []
        try SafetensorsFile.write(
            to: weights,
            tensors: tensors.map { tensor in
                guard tensor.name.text.hasPrefix("out.2.") else { return TensorInput(tensor) }
                let count = tensor.shape.reduce(1, *)
                return TensorInput(name: tensor.name, shape: tensor.shape, floats: [Float](repeating: 0, count: count))
            })
        let flat = folder.path("flat.ud2w")
        let converted = try BuiltTool("ud2m-convert").run([weights, flat, "-q"])
        try #require(converted.exitCode == 0, "\(converted.errorText)")
        let grey = folder.path("grey.png")
        try ImageFile.write(ImageBuffer(width: 16, height: 16, channels: 3, filledWith: 0.5), to: grey)
        func report(_ more: [String]) throws -> [String: JSONDocument] {
            let result = try BuiltTool("ud2m").run(
                [
                    "restore", flat, grey, "-o", folder.path("out.png"), "--force", "--task", "denoise", "--sigma",
                    "0.025",
                    "--samples", "16", "--batch", "16", "--posterior-spread", "--json",
                ] + more)
            try #require(result.exitCode == 0, "\(result.errorText)")
            return try #require(try ToolTest.checked(result.output, "restore").object)
        }
        let spread = try report([])
        // 768 values of 16 samples each tell the deviation to 1 %; the chain itself is 4 % wide.
        #expect(abs(try #require(spread["meanDeviation"]?.number) / 0.025 - 1) < 0.1)
        let settings = try #require(spread["settings"]?.object)
        #expect(settings["denoisingStrength"]?.number == 0.5 && settings["stepFactor"]?.number == 0.5)
        #expect(settings["dataWeight"]?.number == 1 && settings["iterations"]?.number == 30)
        #expect(abs(try #require(settings["levels"]?.array?.last?.number) - 0.015) < 1e-12)
        let mixed = try #require(
            try report(["--iterations", "2", "--data-weight", "0.4", "--levels", "1,0.1"])["settings"]?.object)
        #expect(mixed["iterations"]?.number == 2 && mixed["dataWeight"]?.number == 0.4)
        #expect(abs(try #require(mixed["levels"]?.array?.last?.number) - 0.1) < 1e-12)
        let refused = try ToolTest.failure(
            "ud2m",
            [
                "restore", flat, grey, "-o", folder.path("out.png"), "--force", "--task", "denoise",
                "--posterior-spread", "--flavour", "reference",
            ], exitCode: 64)
        #expect(refused.object?["code"]?.string == "sampler-option")
    }

    @Test("shards of a scheduler's jobs make up the whole, and gather tells what is done, missing and changed")
    func gather() throws {
        let input = folder.path("in")
        let output = folder.path("out") + "/"
        let arguments =
            ["restore", store, input, "-o", output, "--recursive", "--resume", "--shard", "auto", "--json"]
            + ["--reference", input] + task + quick
        func job(_ environment: [String: String], exitCode: Int32 = 0) throws {
            let result = try BuiltTool("ud2m").run(arguments, environment: environment)
            #expect(result.exitCode == exitCode, "\(result.errorText)")
        }
        func gathered(_ more: [String], exitCode: Int32) throws -> [String: JSONDocument] {
            let result = try BuiltTool("ud2m").run(["gather", output] + more + ["--json"])
            #expect(result.exitCode == exitCode, "\(result.errorText)")
            return try #require(try ToolTest.checked(result.output, "gather").object)
        }
        // No variable says which part this is.
        try job(["SLURM_ARRAY_TASK_ID": "4"], exitCode: 64)
        try job(["SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "7", "SLURM_ARRAY_TASK_COUNT": "2"])
        let half = try gathered([input, "--recursive"], exitCode: 1)
        #expect(half["finished"]?.number == 2)
        #expect(half["open"]?.array?.first?.object?["reason"]?.string == "not-recorded")
        #expect(half["open"]?.array?.first?.object?["image"]?.string == input + "/b.png")
        try job(["JOB_COMPLETION_INDEX": "1", "UD2M_SHARDS": "2"])
        let csv = folder.path("all.csv")
        let whole = try gathered([input, "--recursive", "--csv", csv], exitCode: 0)
        #expect(whole["finished"]?.number == 3 && whole["open"]?.array?.isEmpty == true)
        #expect(whole["optionSets"]?.number == 1 && whole["models"]?.number == 1)
        #expect(whole["means"]?.object?["count"]?.number == 3)
        #expect(try String(contentsOfFile: csv, encoding: .utf8).split(separator: "\r\n").count == 4)
        try Data("damaged".utf8).write(to: URL(filePath: output + "a.png"))
        try FileManager.default.removeItem(atPath: output + "b.png")
        let reasons = try gathered([], exitCode: 1)["open"]?.array?.map { $0.object?["reason"]?.string }
        #expect(reasons == ["output-changed", "output-missing"])
        let nothing = try ToolTest.failure("ud2m", ["gather", input], exitCode: 66)
        #expect(nothing.object?["code"]?.string == "ledger-empty")
    }

    @Test("settings of single iterations are taken, reported, and refused where they do not fit")
    func iterationSettings() throws {
        let image = [folder.path("in/a.png")]
        let output = ["-o", folder.path("out.png"), "--force"]
        func settings(_ more: [String]) throws -> [String: JSONDocument] {
            try #require(try run(image, output + more).object?["settings"]?.object)
        }
        _ = try settings([])
        let plain = try Data(contentsOf: URL(filePath: folder.path("out.png")))
        let listed = try settings(["--data-weight", "0.5,0.3", "--levels", "0.9,0.1", "--step-factor", "1,0.5"])
        #expect(listed["dataWeight"]?.array?.compactMap(\.number) == [0.5, 0.3])
        #expect(listed["levels"]?.array?.compactMap(\.number) == [0.9, 0.1])
        #expect(listed["stepFactor"]?.array?.compactMap(\.number) == [1, 0.5])
        #expect(try Data(contentsOf: URL(filePath: folder.path("out.png"))) != plain)
        let strength = try settings(["--denoising-strength", "0.5", "--step-factor", "0.5"])
        #expect(strength["denoisingStrength"]?.number == 0.5 && strength["stepFactor"]?.number == 0.5)
        for (more, code) in [
            (["--data-weight", "1,2,3"], "sampler-configuration"), (["--levels", "2000,1"], "sampler-configuration"),
            (["--flavour", "reference", "--levels", "1,0.1"], "sampler-option"),
            (["--flavour", "reference", "--data-weight", "1,2"], "sampler-option"),
        ] {
            let error = try ToolTest.failure(
                "ud2m", ["restore", store] + image + task + quick + output + more, exitCode: 64)
            #expect(error.object?["code"]?.string == code, "\(more)")
        }
    }

    @Test("tiles, solvers, starts and the reference flavour run; what a flavour lacks is refused")
    func ways() throws {
        let output = ["-o", folder.path("out.png"), "--force"]
        let image = [folder.path("in/a.png")]
        for more in [
            ["--tile", "16", "--tile-overlap", "4"], ["--solver", "ddpm"], ["--solver", "ddim", "--eta", "0"],
            ["--warm-start", "adjoint"], ["--warm-start", "pseudo-inverse"], ["--grid-kind", "uniform"],
            ["--flavour", "reference", "--schedule", "linear"], ["--rng", "torch"],
        ] {
            _ = try run(image, output + more)
        }
        let torch = try run(image, output + ["--flavour", "reference"])
        #expect(torch.object?["settings"]?.object?["warmStart"]?.string == "adjoint")
        for (more, code) in [
            (["--flavour", "reference", "--solver", "ddim"], "sampler-option"),
            (["--warm-start", "ram"], "ram-missing"),
            (["--tile", "15"], "sampler-configuration"), (["--equivariant"], "usage"), (["--shard", "2/2"], "usage"),
        ] {
            let error = try ToolTest.failure(
                "ud2m", ["restore", store] + image + task + output + more,
                exitCode: 64)
            #expect(error.object?["code"]?.string == code)
        }
    }

    @Test("recorded noise gives the same image again")
    func tape() throws {
        let image = [folder.path("in/a.png")]
        let tape = folder.path("noise.safetensors")
        _ = try run(image, ["-o", folder.path("one.png"), "--seed", "3", "--record-noise", tape])
        let second = try run(image, ["-o", folder.path("two.png"), "--noise-tape", tape])
        #expect(second.object?["settings"]?.object?["rng"]?.string == "tape")
        let images = try ["one.png", "two.png"].map { try ImageFile.read(folder.path($0)).image.values }
        #expect(images[0] == images[1])
        try refuseDamaged(tape, image)
        // The same noise as another program numbers it, with a measurement's before it.
        let file = try WeightStore(path: tape)
        let steps = try #require(second.object?["settings"]?.object?["steps"]?.number.map { Int($0) })
        let iterations = try #require(second.object?["settings"]?.object?["iterations"]?.number.map { Int($0) })
        var order = ["sample0/initial-state", "sample0/initial-state"]
        for step in 0..<steps {
            order += (0..<iterations).map { "sample0/denoising/\(step)/\($0)" }
            // The exact flavour draws once a transition, the published code twice.
            if step + 1 < steps { order += ["sample0/transition/\(step)/0", "sample0/initial-state"] }
        }
        let numbered = folder.path("numbered.safetensors")
        try SafetensorsFile.write(
            to: numbered,
            tensors: try order.enumerated().map { index, name in
                let tensor = try #require(file.tensor(TensorName(name)))
                return TensorInput(name: TensorName("noise/\(index)"), shape: tensor.shape, floats: try tensor.floats())
            })
        _ = try run(image, ["-o", folder.path("three.png"), "--noise-tape", numbered])
        #expect(try ImageFile.read(folder.path("three.png")).image.values == images[0])
    }

    /// A draw that is no number is told by its name and file, whichever it is.
    private func refuseDamaged(_ tape: String, _ image: [String]) throws {
        let file = try WeightStore(path: tape)
        let damaged = folder.path("damaged.safetensors")
        let name = "sample0/denoising/1/0"
        try SafetensorsFile.write(
            to: damaged,
            tensors: try file.names.map {
                let tensor = try #require(file.tensor($0))
                var values = try tensor.floats()
                if $0.text == name { values[5] = .nan }
                return TensorInput(name: $0, shape: tensor.shape, floats: values)
            })
        let error = try ToolTest.failure(
            "ud2m",
            ["restore", store] + image + task + quick + ["-o", folder.path("four.png"), "--noise-tape", damaged],
            exitCode: 64)
        #expect(error.object?["code"]?.string == "noise-draw")
        #expect(error.object?["location"]?.object?["tensor"]?.string == name)
        #expect(error.object?["location"]?.object?["file"]?.string == damaged)
        #expect(error.object?["message"]?.string?.contains("nan as value 5") == true)
    }

    @Test("an image in the store's place, and an output in the input's, are named")
    func mixedUp() throws {
        let image = folder.path("in/a.png")
        let error = try ToolTest.failure(
            "ud2m", ["restore", image, image, "--task", "deblur", "-o", folder.path("x.png")], exitCode: 65)
        #expect(error.object?["code"]?.string == "store-is-image")
        let same = try ToolTest.failure(
            "ud2m", ["restore", store, image, "--task", "deblur", "-o", image, "--force", "--dry-run"], exitCode: 73)
        #expect(same.object?["code"]?.string == "output-is-input")
    }

    @Test("prior draws a grid or single files, the same whatever the batch")
    func prior() throws {
        func draw(_ more: [String]) throws -> JSONDocument {
            let result = try BuiltTool("ud2m").run(
                ["prior", store, "--samples", "3", "--steps", "2", "--size", "8x16", "--json"] + more)
            try #require(result.exitCode == 0, "\(result.errorText)")
            return try ToolTest.checked(result.output, "prior")
        }
        _ = try draw(["-o", folder.path("grid.png")])
        #expect(try ImageFile.read(folder.path("grid.png")).image.width > 32)
        let report = try draw(["-o", folder.path("one") + "/", "--batch", "1"])
        #expect(report.object?["files"]?.array?.count == 3)
        _ = try draw(["-o", folder.path("all") + "/", "--batch", "3"])
        for name in ["0000.png", "0002.png"] {
            let bytes = try Data(contentsOf: URL(filePath: folder.path("one/\(name)")))
            #expect(try Data(contentsOf: URL(filePath: folder.path("all/\(name)"))) == bytes)
        }
        let wrong = try BuiltTool("ud2m").run(["prior", store, "-o", folder.path("x.png"), "--size", "0"])
        #expect(wrong.exitCode == 64)
    }
}
