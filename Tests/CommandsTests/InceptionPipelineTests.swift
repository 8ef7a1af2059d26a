import Testing
import UD2MCommands
import UD2MImaging
import UD2MRuntime
import UD2MTestSupport

/// Inputs of the Inception network next to those that the original packages make; every 37th row and 41st column.
@Suite struct InceptionPipelineTests {
    private static func sampled(_ tensor: Tensor, height: Int = 299, width: Int = 299) -> [Float] {
        (0..<3).flatMap { channel in
            stride(from: 0, to: height, by: 37).flatMap { row in
                stride(from: 0, to: width, by: 41).map { tensor.values[(channel * height + row) * width + $0] }
            }
        }
    }

    private static func worst(_ a: [Float], _ b: some Collection<Float>) -> Float {
        guard a.count == b.count else { return .infinity }
        return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    /// Rows shrink and columns grow. The packages interpolate in single precision, whose weights are off by 360·2⁻²⁴.
    @Test(arguments: InceptionPipeline.allCases)
    func agreesWithThePackage(_ pipeline: InceptionPipeline) throws {
        let golden = try Golden("inception/pipelines.io.safetensors")
        let levels = try golden["levels"]
        let image = try ImageBuffer(
            width: levels.shape[3], height: levels.shape[2], channels: 3, values: levels.values.map { $0 / 255 })
        let name =
            switch pipeline {
            case .pytorchFID: "pytorch_fid"
            case .torchFidelity: "torch_fidelity"
            case .cleanFID: "clean_fid"
            case .torchmetrics: "torchmetrics_antialias"
            }
        let input = try pipeline.input(of: image)
        #expect(input.shape == [1, 3, 299, 299])
        #expect(Self.worst(Self.sampled(input), try golden[name].values) < 3e-5)
    }

    @Test func agreesWithTheGoldenSamples() throws {
        let golden = try Golden("inception/inception_slim16.io.safetensors")
        let x = try golden["x01"]
        for item in 0..<2 {
            let count = x.values.count / 2
            let values = Array(x.values[item * count..<(item + 1) * count])
            // Sixteen bits: not rounded to levels by the pipeline that takes floats.
            let image = try ImageBuffer(width: 64, height: 64, channels: 3, bitDepth: 16, values: values)
            let samples = 3 * 9 * 8
            let slice = item * samples..<(item + 1) * samples
            let input = try InceptionPipeline.pytorchFID.input(of: image)
            #expect(Self.worst(Self.sampled(input), try golden["input_sample_rows"].values[slice]) < 3e-5)
            let corner = try image.resized(width: 299, height: 299, filter: .cornerBilinear)
            let tensor = try Tensor(shape: [1, 3, 299, 299], values: corner.values)
            #expect(Self.worst(Self.sampled(tensor), try golden["tf1_resized_sample_rows"].values[slice]) < 3e-5)
        }
    }

    @Test func greyBecomesThreeEqualChannels() throws {
        let grey = try ImageBuffer(width: 5, height: 4, channels: 1, filledWith: 0.5)
        for pipeline in InceptionPipeline.allCases {
            let values = try pipeline.input(of: grey).values
            #expect(values.allSatisfy { abs($0 - (pipeline == .pytorchFID ? 0 : -0.5 / 128)) < 1e-6 })
        }
    }
}
