import Foundation
import Testing
import UD2MFormats
import UD2MImaging
import UD2MTestSupport

/// Every operator through `ud2m degrade`, its file, and back through `ud2m restore`.
@Suite("ud2m degrade with every operator", .serialized)
struct OperatorCommandTests {
    let folder: TemporaryDirectory
    let image: String

    init() throws {
        folder = try TemporaryDirectory()
        image = folder.path("small.png")
        try ImageFile.write(ImageFile.read(ToolTest.photo).image.centerCropped(width: 48, height: 32), to: image)
    }

    /// Degrades the small image and gives the operator file's content.
    private func degrade(_ arguments: [String], to name: String = "seen.png") throws -> JSONDocument {
        let result = try BuiltTool("ud2m").run(
            ["degrade", image, "-o", folder.path(name), "--json", "--force"] + arguments)
        try #require(result.exitCode == 0, "\(result.errorText)")
        _ = try ToolTest.checked(result.output, "degrade")
        let file = try Data(contentsOf: URL(filePath: folder.path("\(name).operator.json")))
        return try ToolTest.checked(file, "operator")
    }

    private func size(_ name: String) throws -> [Int] {
        let image = try ImageFile.read(folder.path(name)).image
        return [image.width, image.height]
    }

    private func failure(_ arguments: [String], exitCode: Int32 = 64) throws -> String? {
        let error = try ToolTest.failure(
            "ud2m", ["degrade", image, "-o", folder.path("none.png")] + arguments, exitCode: exitCode)
        #expect(!FileManager.default.fileExists(atPath: folder.path("none.png")))
        return error.object?["code"]?.string
    }

    static let tasks: [([String], [Int])] = [
        (["--task", "deblur"], [48, 32]),
        (["--task", "deblur", "--kernel", "uniform", "--kernel-size", "5"], [48, 32]),
        (["--task", "deblur", "--kernel", "motion", "--kernel-size", "11", "--kernel-seed", "7"], [48, 32]),
        (["--task", "deblur", "--kernel", "anisotropic", "--kernel-angle", "30"], [48, 32]),
        (["--task", "inp", "--mask_rate", "0.4"], [48, 32]),
        (["--task", "inpaint", "--box", "8,4,20,10"], [48, 32]),
        (["--task", "inpaint", "--operator_name", "box"], [48, 32]),
        (["--task", "sr", "--factor", "2"], [24, 16]),
        (["--task", "sr", "--sf", "8"], [6, 4]),
        (["--task", "sr", "--kernel", "gaussian"], [12, 8]),
        (["--task", "sr", "--operator_name", "gaussian", "--kernel_size", "3"], [12, 8]),
        (["--task", "jpeg", "--quality", "20"], [48, 32]),
        (["--task", "denoise", "--sigma_model", "0.1"], [48, 32]),
        (["--task", "cs", "--measured", "0.25"], [48, 8]),
    ]

    @Test("its observation has the right size and its file restores it", arguments: tasks)
    func everyOperator(arguments: [String], size expected: [Int]) throws {
        _ = try degrade(arguments)
        #expect(try size("seen.png") == expected)
        let store = folder.path("prior.ud2w")
        let converted = try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"])
        try #require(converted.exitCode == 0, "\(converted.errorText)")
        let result = try BuiltTool("ud2m").run([
            "restore", store, folder.path("seen.png"), "-o", folder.path("restored.png"), "--json", "--operator",
            folder.path("seen.png.operator.json"), "--steps", "1", "--iterations", "2", "--reference", image, "--grid",
            folder.path("grid.png"),
        ])
        #expect(result.exitCode == 0, "\(result.errorText)")
        #expect(try size("restored.png") == [48, 32])
    }

    @Test("files say what was done")
    func contents() throws {
        let motion = try degrade(["--task", "deblur", "--kernel", "motion", "--kernel-size", "11"])
        let kernel = try #require(motion.object?["kernel"]?.object)
        #expect(kernel["kind"]?.string == "motion" && kernel["length"]?.number == 8)
        let measured = try degrade(["--task", "cs", "--measured", "0.25", "--seed", "9", "--sigma", "0.1"])
        let measurement = try #require(measured.object?["measurement"]?.object)
        #expect(measurement["rows"]?.number == 8 && measurement["seed"]?.number == 9)
        #expect(measurement["height"]?.number == 32 && measurement["width"]?.number == 48)
        // The noise of what is written: 0.1 times the scale of 0.2.
        #expect(abs((measured.object?["sigma"]?.number ?? 0) - 0.02) < 1e-12)
        _ = try degrade(["--task", "inpaint", "--box", "8,4,20,10"])
        let mask = try ImageFile.read(folder.path("seen.png.mask.png")).image
        #expect(mask.values.count { $0 == 0 } == 200)
        #expect(mask.values[4 * 48 + 8] == 0 && mask.values[13 * 48 + 27] == 0 && mask.values[14 * 48 + 28] == 1)
        _ = try degrade(["--task", "inpaint", "--box", "0.25,0.25,0.5,0.5"])
        #expect(try ImageFile.read(folder.path("seen.png.mask.png")).image.values.count { $0 == 0 } == 24 * 16)
    }

    @Test("kernels from files are copied beside the observation and give the same picture from there")
    func kernelFiles() throws {
        let star = folder.path("star.png")
        let levels: [Float] = [0, 0.5, 0, 0.25, 1, 0, 0, 0.125, 0]
        try ImageFile.write(ImageBuffer(width: 3, height: 3, channels: 1, bitDepth: 16, values: levels), to: star)
        let first = try degrade(["--task", "deblur", "--kernel", star])
        #expect(first.object?["kernel"]?.object?["file"]?.string == "seen.png.kernel.npy")
        let copy = folder.path("copy.npy")
        try FileManager.default.copyItem(atPath: folder.path("seen.png.kernel.npy"), toPath: copy)
        _ = try degrade(["--task", "deblur", "--kernel", copy], to: "again.png")
        #expect(try ImageFile.read(folder.path("again.png")).image == ImageFile.read(folder.path("seen.png")).image)

        // Whole numbers do as well.
        let box = folder.path("box.npy")
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n"
        let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0]
        try Data(magic + header.utf8 + [1, 1, 1, 1]).write(to: URL(filePath: box))
        _ = try degrade(["--task", "deblur", "--kernel", box], to: "boxed.png")
        _ = try degrade(["--task", "deblur", "--kernel", "uniform", "--kernel-size", "2"], to: "uniform.png")
        #expect(try ImageFile.read(folder.path("boxed.png")).image == ImageFile.read(folder.path("uniform.png")).image)

        let checkpoint = try Checkpoint.open(path: copy)
        #expect(checkpoint.looseTensors.first?.shape == [3, 3])
    }

    @Test("a measurement matrix is copied, and what does not fit an image is refused")
    func matrices() throws {
        let path = folder.path("matrix.npy")
        let values = (0..<40 * 1536).map { index -> Double in Double(index * 31 % 17 - 8) / 400 }
        try Data(NPYFile.bytes(shape: [40, 1536], values: values)).write(to: URL(filePath: path))
        let file = try degrade(["--task", "cs", "--matrix", path])
        #expect(file.object?["measurement"]?.object?["matrix"]?.string == "seen.png.matrix.npy")
        #expect(try size("seen.png") == [40, 1])
        #expect(
            try failure(["--task", "cs", "--matrix", path, "--measurement-scale", "10000", "--sigma", "0.00005"])
                == "observation-range")
        try Data(NPYFile.bytes(shape: [2, 7], values: [Double](repeating: 1, count: 14)))
            .write(to: URL(filePath: path))
        #expect(try failure(["--task", "cs", "--matrix", path]) == "operator-shape")
    }

    @Test("every image has noise of its own, the same each time, and all the same mask")
    func noiseOfImages() throws {
        // Even images, of which the observation is the noise; 16 bits tell the difference of their levels apart.
        let (even, other) = (folder.path("even.png"), folder.path("other.png"))
        try ImageFile.write(ImageBuffer(width: 48, height: 32, channels: 3, filledWith: 0.25), to: even)
        try ImageFile.write(ImageBuffer(width: 48, height: 32, channels: 3, filledWith: 0.5), to: other)
        func noise(_ path: String, _ level: Float, _ more: [String] = []) throws -> [Float] {
            let result = try BuiltTool("ud2m").run(
                ["degrade", path, "-o", folder.path("n.png"), "--task", "denoise", "--force", "-q"] + more)
            try #require(result.exitCode == 0, "\(result.errorText)")
            return try ImageFile.read(folder.path("n.png")).image.values.map { $0 - level }
        }
        let clean = try ImageFile.read(even).image.values[0]
        let first = try noise(even, clean)
        let second = try noise(other, try ImageFile.read(other).image.values[0])
        #expect(try noise(even, clean) == first)
        let copy = folder.path("copy.png")
        try FileManager.default.copyItem(atPath: even, toPath: copy)
        #expect(try noise(copy, clean) == first)
        #expect(try noise(even, clean, ["--seed", "1"]) != first)
        // Independent noise of 4608 values correlates by 0.015; the same noise by 1.
        let products = zip(first, second).map { Double($0 * $1) }.reduce(0, +)
        #expect(abs(products / first.map { Double($0 * $0) }.reduce(0, +)) < 0.1)
        let masks = try [even, other].map { path in
            let result = try BuiltTool("ud2m").run(
                ["degrade", path, "-o", folder.path("m.png"), "--task", "inpaint", "--force", "-q"])
            try #require(result.exitCode == 0, "\(result.errorText)")
            return try ImageFile.read(folder.path("m.png.mask.png")).image.values
        }
        #expect(masks[0] == masks[1])
    }

    @Test("bad operators are refused with the reason")
    func refusals() throws {
        #expect(try failure(["--task", "deblur", "--kernel-size", "33"]) == "kernel-invalid")
        #expect(try failure(["--task", "sr", "--factor", "5"]) == "operator-shape")
        #expect(try failure(["--task", "inpaint", "--missing", "1"]) == "mask-invalid")
        #expect(try failure(["--task", "inpaint", "--box", "40,0,20,10"]) == "mask-invalid")
        let mask = folder.path("mask.png")
        try ImageFile.write(ImageBuffer(width: 5, height: 5, channels: 1, filledWith: 1), to: mask)
        let misfit = try ToolTest.failure(
            "ud2m", ["degrade", image, "-o", folder.path("none.png"), "--task", "inpaint", "--mask", mask], exitCode: 65
        )
        #expect(misfit.object?["code"]?.string == "operator-file")
        #expect(misfit.object?["location"]?.object?["file"]?.string == mask)
        let black = folder.path("black.png")
        try ImageFile.write(ImageBuffer(width: 48, height: 32, channels: 1, filledWith: 0), to: black)
        let empty = try ToolTest.failure(
            "ud2m", ["degrade", image, "-o", folder.path("none.png"), "--task", "inpaint", "--mask", black],
            exitCode: 64
        )
        #expect(empty.object?["code"]?.string == "mask-invalid")
        #expect(empty.object?["location"]?.object?["file"]?.string == black)
        let negative = try ToolTest.failure(
            "ud2m", ["degrade", image, "-o", folder.path("none.png"), "--task", "denoise", "--sigma", "-1"],
            exitCode: 64)
        #expect(negative.object?["message"]?.string?.contains("Missing value") == false)
        let weights = folder.path("weights.npy")
        for bad in [Double.nan, 0] {
            try Data(NPYFile.bytes(shape: [1, 2], values: [bad, 0])).write(to: URL(filePath: weights))
            #expect(try failure(["--task", "deblur", "--kernel", weights]) == "kernel-invalid")
        }
        try Data(NPYFile.bytes(shape: [2], values: [1, 2])).write(to: URL(filePath: weights))
        #expect(try failure(["--task", "deblur", "--kernel", weights], exitCode: 65) == "operator-array")
        let usage = [
            ["--task", "jpeg", "--quality", "0"], ["--task", "jpeg", "--quality", "101"],
            ["--task", "denoise", "--sigma", "0"], ["--task", "denoise", "--sigma", "nan"],
            ["--task", "deblur", "--kernel", "bicubic"], ["--task", "inpaint", "--box", "1,2,3"],
            ["--task", "inpaint", "--missing", "0.5", "--kept", "0.5"], ["--task", "cs", "--measured", "0"],
            ["--task", "inpaint", "--mask", mask, "--missing", "0.5"],
            ["--task", "deblur", "--kernel-variance", "nan"],
        ]
        for arguments in usage {
            let result = try BuiltTool("ud2m").run(["degrade", image, "-o", folder.path("none.png")] + arguments)
            #expect(result.exitCode == 64, "\(arguments)")
        }
    }

    @Test(
        "an operator file's bad key is named with what it holds",
        arguments: [
            (#"{"version":1,"task":"jpeg","quality":0,"sigma":0.1}"#, "'quality'", "not 0"),
            (#"{"version":1,"task":"sr","factor":2.5,"sigma":0.1}"#, "'factor'", "not 2.5"),
            (
                #"{"version":1,"task":"deblur","kernel":{"kind":"uniform","size":3},"quality":5,"sigma":0.1}"#,
                "'quality'", "task deblur"
            ),
            (
                #"{"version":1,"task":"deblur","kernel":{"kind":"uniform","size":3,"variance":2},"sigma":0.1}"#,
                "'kernel.variance'", "kernel uniform"
            ),
            (#"{"version":1,"task":"denoise","sigma":"much"}"#, "'sigma'", "not 'much'"),
            (#"{"version":1,"task":"denoise"}"#, "'sigma'", "missing"),
            (#"{"version":1,"task":"inpaint","mask":"","sigma":0.1}"#, "'mask'", "line of text"),
            (
                #"{"version":1,"task":"stacked","sigma":0.5,"parts":[{"version":1,"task":"denoise","sigma":0.1}]}"#,
                "'sigma'", "smallest of the parts"
            ),
            (
                #"{"version":1,"task":"deblur","kernel":{"kind":"weights","weights":[[1,2],[3]]},"sigma":0.1}"#,
                "'kernel.weights[1]'", "as long as"
            ),
            (#"{"version":1,"task":"denoise","sigma":0.1,"noise":2}"#, "'noise'", "task denoise"),
            (#"{"version":1,"task":"jpeg","quality":5,"quality":6,"sigma":0.1}"#, "JSON", "twice"),
            (#"{"version":1,"task":"denoise","sigma":1e400}"#, "JSON", "does not fit"),
            (
                #"{"version":1,"task":"stacked","sigma":0.1,"parts":[{"version":1,"task":"denoise","sigma":2}]}"#,
                "'parts[0].sigma'", "not 2"
            ),
            (
                #"{"version":1,"task":"cs","measurement":{"height":4,"width":4,"rows":5,"seed":1,"scale":1},"sigma":0.1}"#,
                "'measurement.rows'", "not 5"
            ),
            (
                #"{"version":1,"task":"cs","sigma":0.1,"measurement":{"height":4,"width":4,"rows":4,"seed":1,"scale":1,"matrix":"m.npy"}}"#,
                "'measurement.rows'", "by a matrix"
            ),
        ])
    func keys(_ text: String, _ key: String, _ reason: String) throws {
        let path = folder.path("hand.json")
        try Data(text.utf8).write(to: URL(filePath: path))
        let error = try ToolTest.failure(
            "ud2m", ["degrade", image, "-o", folder.path("none.png"), "--operator", path], exitCode: 65)
        #expect(error.object?["code"]?.string == "operator-file")
        #expect(error.object?["location"]?.object?["file"]?.string == path)
        let message = try #require(error.object?["message"]?.string)
        #expect(message.contains(key) && message.contains(reason), "\(message)")
        if key != "JSON" {
            let schema = try JSONSchema(file: RepositoryPaths.root.appending(path: "schemas/operator.schema.json"))
            // A schema cannot compare one value with another.
            let comparesValues = ["not 5", "smallest of the parts", "as long as"].contains(reason)
            #expect(try schema.validate(Data(text.utf8)).isEmpty == comparesValues)
        }
    }

    @Test("operator files of before, and weights by hand, are read; impossible ones are not")
    func files() throws {
        let store = folder.path("prior.ud2w")
        _ = try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"])
        let path = folder.path("hand.json")
        func restore(_ text: String) throws -> BuiltTool.Result {
            try Data(text.utf8).write(to: URL(filePath: path))
            return try BuiltTool("ud2m").run([
                "restore", store, image, "-o", folder.path("restored.png"), "--force", "--json", "--steps", "1",
                "--iterations", "1", "--operator", path,
            ])
        }
        let good = [
            #"{"version":1,"task":"deblur","kernel":{"kind":"gaussian","size":9,"variance":3},"sigma":0.025}"#,
            #"{"version":1,"task":"deblur","kernel":{"kind":"weights","weights":[[1,2],[3,4]]},"sigma":0.1}"#,
        ]
        for text in good {
            let result = try restore(text)
            #expect(result.exitCode == 0, "\(result.errorText)")
        }
        let bad = [
            #"{"version":1,"task":"jpeg","quality":0,"sigma":0.1}"#,
            #"{"version":1,"task":"deblur","kernel":{"kind":"anisotropic","size":5,"sigma":-1,"crossSigma":1},"sigma":0.1}"#,
            #"{"version":1,"task":"deblur","kernel":{"kind":"gaussian-antialias"},"sigma":0.1}"#,
            #"{"version":1,"task":"cs","measurement":{"height":0,"width":4,"rows":1,"seed":1,"scale":1},"sigma":0.1}"#,
            #"{"version":1,"task":"cs","measurement":{"height":4,"width":4,"scale":1},"sigma":0.1}"#,
        ]
        for text in bad { #expect(try restore(text).exitCode == 65, "\(text)") }
        let outside = #"{"version":1,"task":"deblur","kernel":{"kind":"file","file":"../k.npy"},"sigma":0.1}"#
        #expect(try restore(outside).exitCode == 77)
        let other =
            #"{"version":1,"task":"cs","measurement":{"height":64,"width":64,"rows":9,"seed":1,"scale":1},"sigma":0.1}"#
        #expect(try restore(other).exitCode == 64)
        let ragged = #"{"version":1,"task":"deblur","kernel":{"kind":"weights","weights":[[1,2],[3]]},"sigma":0.1}"#
        #expect(try restore(ragged).exitCode == 65)
        #expect(try restore(#"{"version":1,"task":"jpeg","quality":5,"sigma":0.1}"#).exitCode == 0)
    }
}
