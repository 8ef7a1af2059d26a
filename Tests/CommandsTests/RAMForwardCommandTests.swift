import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

@Suite("ud2m forward of RAM networks")
struct RAMForwardCommandTests {
    private static func store(in folder: TemporaryDirectory) throws -> String {
        let path = folder.path("ram.ud2w")
        try RAMWeights.writeStore(to: path)
        return path
    }

    private static func floats(_ path: String, _ name: String) throws -> [Float] {
        try #require(try WeightStore(path: path).tensor(TensorName(name))).floats()
    }

    private static func difference(_ left: [Float], _ right: [Float]) -> Float {
        guard left.count == right.count else { return .infinity }
        return zip(left, right).map { abs($0 - $1) }.max() ?? .infinity
    }

    @Test("denoises in both flavours, with the noise level of the input file or of the flag")
    func denoising() throws {
        let folder = try TemporaryDirectory()
        let store = try Self.store(in: folder)
        // The fixture holds y and sigma.
        let input = ToolTest.fixture("ram/denoise_s010.io.safetensors")
        for flavour in ["original", "deepinv"] {
            for (index, flags) in [[], ["--sigma", "0.1"]].enumerated() {
                let output = folder.path("\(flavour)\(index).safetensors")
                let result = try BuiltTool("ud2m").run(
                    ["forward", store, "--input", input, "--output", output, "--flavour", flavour]
                        + flags + ["--json", "--taps", "realigned", "m_body"])
                #expect(result.exitCode == 0, "\(result.errorText)")
                _ = try ToolTest.checked(result.output, "forward")
                #expect(try WeightStore(path: output).names == ["m_body", "out", "realigned"])
                let difference = Self.difference(
                    try Self.floats(output, "out"), try Self.floats(input, "\(flavour)/out"))
                #expect(difference <= 3e-5)
            }
        }
    }

    @Test("takes the operator file of ud2m degrade and its noise level")
    func operators() throws {
        let folder = try TemporaryDirectory()
        let store = try Self.store(in: folder)
        let observation = ToolTest.fixture("ram/sr4_bicubic.io.safetensors")
        let specification = folder.path("operator.json")
        try Data(#"{"version": 1, "task": "sr", "kernel": {"kind": "bicubic"}, "factor": 4, "sigma": 0.5}"#.utf8)
            .write(to: URL(filePath: specification))
        let output = folder.path("out.safetensors")
        let base = ["forward", store, "--input", observation, "--output", output, "--operator", specification]
        // The tensor sigma of the input file, 0.025, goes before the operator file's.
        let result = try BuiltTool("ud2m").run(base)
        #expect(result.exitCode == 0, "\(result.errorText)")
        #expect(
            Self.difference(try Self.floats(output, "out"), try Self.floats(observation, "original/out")) <= 3e-5)

        let bare = folder.path("bare.safetensors")
        let y = try #require(try WeightStore(path: observation).tensor("y"))
        try SafetensorsFile.write(
            to: bare, tensors: [TensorInput(name: "y", shape: y.shape, floats: try y.floats())])
        let noisier = folder.path("noisier.safetensors")
        let other = try BuiltTool("ud2m").run(
            ["forward", store, "--input", bare, "--output", noisier, "--operator", specification])
        #expect(other.exitCode == 0, "\(other.errorText)")
        let flag = folder.path("flag.safetensors")
        let same = try BuiltTool("ud2m").run(
            ["forward", store, "--input", observation, "--output", flag, "--operator", specification]
                + ["--sigma", "0.5"])
        #expect(same.exitCode == 0, "\(same.errorText)")
        #expect(try Self.floats(noisier, "out") == (try Self.floats(flag, "out")))
        #expect(try Self.floats(noisier, "out") != (try Self.floats(output, "out")))
    }

    @Test("several operators are one stack, whose noise is scaled to the cleanest")
    func stack() throws {
        let folder = try TemporaryDirectory()
        let store = try Self.store(in: folder)
        let blur = #"{"version": 1, "task": "deblur", "kernel": {"kind": "uniform", "size": 3}, "sigma": 0.05}"#
        let noisy = #"{"version": 1, "task": "deblur", "kernel": {"kind": "uniform", "size": 1}, "sigma": 0.2}"#
        for (name, text) in [("blur", blur), ("noisy", noisy)] {
            try Data(text.utf8).write(to: URL(filePath: folder.path("\(name).json")))
        }
        let values = (0..<2).map { PortableWeights.uniform("stack\($0)", count: 3 * 64 * 64).map { $0 + 0.5 } }
        let input = folder.path("in.safetensors")
        try SafetensorsFile.write(
            to: input,
            tensors: values.enumerated().map {
                TensorInput(name: TensorName("y.\($0.offset)"), shape: [1, 3, 64, 64], floats: $0.element)
            })
        let output = folder.path("out.safetensors")
        let operators = ["blur", "noisy"].flatMap { ["--operator", folder.path("\($0).json")] }
        let base = ["forward", store, "--input", input, "--output", output]
        let result = try BuiltTool("ud2m").run(base + operators)
        #expect(result.exitCode == 0, "\(result.errorText)")

        let tensors = try values.map { try Tensor(shape: [1, 3, 64, 64], values: $0) }
        let second = try Tensor(shape: [1, 3, 64, 64], values: values[1].map { $0 / 4 })
        func restore(_ second: Tensor, scale: Double) throws -> [Float] {
            let measurements: [any LinearMeasurement] = [
                try Deblurring(kernel: .uniform(size: 3), height: 64, width: 64),
                ScaledMeasurement(IdentityMeasurement(), by: scale),
            ]
            let problem = RAMProblem(observations: [tensors[0], second], through: measurements, sigma: .uniform(0.05))
            return try RAMNetwork(store: WeightStore(path: store), threads: 1).restore(problem).values
        }
        #expect(Self.difference(try Self.floats(output, "out"), try restore(second, scale: 0.25)) <= 1e-5)
        // With one level for both, nothing is scaled.
        let same = try BuiltTool("ud2m").run(base + operators + ["--sigma", "0.05", "--force"])
        #expect(same.exitCode == 0, "\(same.errorText)")
        #expect(Self.difference(try Self.floats(output, "out"), try restore(tensors[1], scale: 1)) <= 1e-5)

        let lacking = try ToolTest.failure(
            "ud2m", base + operators + ["--operator", folder.path("blur.json"), "--force"], exitCode: 64)
        #expect(lacking.object?["code"]?.string == "input-missing")
        #expect(lacking.object?["location"]?.object?["tensor"]?.string == "y.2")
        let gain = try ToolTest.failure("ud2m", base + operators + ["--gain", "0.1", "--force"], exitCode: 64)
        #expect(gain.object?["code"]?.string == "restoration-flag")
    }

    @Test(
        "an operator file cannot name a mask outside its folder",
        arguments: ["/etc/hostname", "../mask.png", "a/../../mask.png", "~/mask.png"])
    func maskOutside(_ mask: String) throws {
        let folder = try TemporaryDirectory()
        let store = try Self.store(in: folder)
        let path = folder.path("operator.json")
        try Data(#"{"version": 1, "task": "inpaint", "mask": "\#(mask)", "sigma": 0.1}"#.utf8)
            .write(to: URL(filePath: path))
        let arguments = [
            ["forward", store, "--input", ToolTest.fixture("ram/inpaint.io.safetensors")],
            ["restore", store, ToolTest.photo],
        ]
        for command in arguments {
            let error = try ToolTest.failure(
                "ud2m", command + ["--output", folder.path("out.png"), "--operator", path], exitCode: 77)
            #expect(error.object?["code"]?.string == "operator-mask")
        }
    }

    @Test("says what does not fit")
    func errors() throws {
        let folder = try TemporaryDirectory()
        let store = try Self.store(in: folder)
        let output = folder.path("out.safetensors")
        let adm = folder.path("adm.ud2w")
        let converted = try BuiltTool("ud2m-convert").run(
            [ToolTest.fixture("adm/adm_a.pt"), adm, "--head-channels", "16", "-q"])
        try #require(converted.exitCode == 0, "\(converted.errorText)")

        func failure(
            _ store: String, _ input: String, _ flags: [String] = [], exitCode: Int32 = 64
        ) throws -> [String?] {
            let error = try ToolTest.failure(
                "ud2m", ["forward", store, "--input", input, "--output", output] + flags, exitCode: exitCode)
            #expect(!FileManager.default.fileExists(atPath: output))
            let location = error.object?["location"]?.object
            return [error.object?["code"]?.string, location?["tensor"]?.string]
        }
        let image = ToolTest.fixture("ram/denoise_s010.io.safetensors")
        for flags in [["--sigma", "0.1"], ["--gain", "0.1"], ["--flavour", "deepinv"]] {
            #expect(try failure(adm, image, flags) == ["restoration-flag", nil])
        }
        #expect(try failure(store, ToolTest.fixture("adm/adm_a.io.safetensors")) == ["input-missing", "y"])

        func file(_ name: String, _ shape: [Int]) throws -> String {
            let path = folder.path(name)
            let floats = [Float](repeating: 0.5, count: shape.reduce(1, *))
            try SafetensorsFile.write(to: path, tensors: [TensorInput(name: "y", shape: shape, floats: floats)])
            return path
        }
        #expect(try failure(store, file("four", [1, 4, 16, 16])) == ["input-shape", "y"])
        #expect(try failure(store, file("flat", [16, 16])) == ["input-shape", "y"])
        #expect(try failure(store, image, ["--sigma=-1"]) == ["usage", nil])
        let negative = try ToolTest.failure(
            "ud2m", ["forward", store, "--input", image, "--output", output, "--sigma", "-1"], exitCode: 64)
        #expect(negative.object?["message"]?.string?.contains("--sigma must be finite and not negative") == true)
        #expect(try failure(store, image, ["--taps", "m_neck"]) == ["tap-unknown", "m_neck"])
        let enlarging = folder.path("sr.json")
        try Data(#"{"version": 1, "task": "sr", "kernel": {"kind": "bicubic"}, "factor": 64, "sigma": 0.1}"#.utf8)
            .write(to: URL(filePath: enlarging))
        #expect(try failure(store, file("wide", [1, 1, 1, 257]), ["--operator", enlarging]) == ["input-shape", "y"])
        let mask = folder.path("mask.json")
        try Data(#"{"version": 1, "task": "inpaint", "mask": "none.png", "sigma": 0.1}"#.utf8)
            .write(to: URL(filePath: mask))
        #expect(try failure(store, image, ["--operator", mask], exitCode: 66).first == "image-no-input")
    }
}
