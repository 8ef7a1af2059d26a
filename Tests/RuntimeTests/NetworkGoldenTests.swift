import CUD2MKernels
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// DDPM, VGG-16, SqueezeNet, Inception and the discriminator against their PyTorch references.
@Suite struct NetworkGoldenTests {
    /// Two float32 implementations of these networks differ by up to 8e-6 where activations reach 7; Winograd
    /// convolutions double the rounding error (`goldens.md` §11, `kernels.md`).
    static let tolerance: Float = 3e-5

    /// Compares results with reference tensors, tap by tap; references of one item are those of the first.
    private func expect(
        _ network: Network, _ inputs: [String: Tensor], _ references: [String: Golden.Entry],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let results = try network.run(inputs, taps: references.keys.filter { $0 != "out" })
        for (name, reference) in references {
            let tensor = try #require(results[name], sourceLocation: sourceLocation)
            #expect(
                tensor.shape.dropFirst() == reference.shape.dropFirst(), "\(name)", sourceLocation: sourceLocation)
            let difference = largestDifference(tensor.values.prefix(reference.values.count), reference.values)
            #expect(difference < Self.tolerance, "\(name)", sourceLocation: sourceLocation)
        }
    }

    /// The stored activations of a fixture, by tap.
    private func activations(_ golden: Golden) -> [String: Golden.Entry] {
        let pairs = golden.tensors.filter { $0.key.hasPrefix("act/") }
            .map { (String($0.key.dropFirst(4)), $0.value) }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    @Test func ddpm() throws {
        let golden = try Golden("ddpm/ddpm_tiny.io.safetensors")
        let inputs = ["x": try golden.tensor("x"), "t": try golden.tensor("t")]
        var references = activations(golden)
        #expect(references.count == 24)
        references["sinusoid"] = try golden["sinusoid"]
        references["out"] = try golden["out"]
        let network = try GoldenNetwork.ddpm.load()
        try expect(network, inputs, references)
        // Without taps, everything that can be folded is.
        try expect(network, inputs, ["out": golden["out"]])
        // diffusers computes the same function from the same weights.
        try expect(network, inputs, ["out": golden["out_diffusers"]])
    }

    /// Attention on the way down and none on the way up, as diffusers runs it.
    @Test func ddpmAttendingOnOneWay() throws {
        let golden = try Golden("ddpm/ddpm_one_way.io.safetensors")
        guard case .ddpm(var configuration) = GoldenNetwork.ddpm.architecture else { return }
        configuration.upAttentionLevels = []
        let network = try GoldenNetwork(architecture: .ddpm(configuration), key: "ddpm", gain: 1).load()
        let inputs = ["x": try golden.tensor("x"), "t": try golden.tensor("t")]
        try expect(network, inputs, ["out": golden["out_diffusers"]])
        let both = try #require(try GoldenNetwork.ddpm.load().run(inputs)["out"])
        let reference = try golden["out"]
        #expect(largestDifference(both.values, reference.values) > 1e-2)
    }

    /// The trunk's taps on the image that LPIPS's scaling layer gives.
    @Test func vggFeatures() throws {
        let golden = try Golden("lpips/lpips_slim16.io.safetensors")
        let taps = ["relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"]
        let references = try taps.enumerated().map { ($1, try golden["feat\($0)"]) }
        try expect(
            GoldenNetwork.vgg.load(), ["x": golden.tensor("scaled_a")], Dictionary(uniqueKeysWithValues: references))
    }

    @Test func vggClassifier() throws {
        let golden = try Golden("lpips/vgg16_classifier.io.safetensors")
        try expect(GoldenNetwork.vgg.load(), ["x": golden.tensor("x")], ["out": golden["logits"]])
    }

    @Test func squeezeNetFeatures() throws {
        let golden = try Golden("lpips/lpips_squeeze_slim16.io.safetensors")
        let references = try (0..<7).map { ("relu\($0 + 1)", try golden["feat\($0)"]) }
        try expect(
            GoldenNetwork.squeezeNet.load(), ["x": golden.tensor("scaled_a")],
            Dictionary(uniqueKeysWithValues: references))
    }

    /// The network of LPIPS is its trunk; the last tap is its output.
    @Test func lpipsTrunk() throws {
        let golden = try Golden("lpips/lpips_slim16.io.safetensors")
        let trunk = VGGConfiguration(widths: [4, 8, 16, 32, 32])
        let lpips = GoldenNetwork(
            architecture: .lpips(LPIPSConfiguration(trunk: .vgg16(trunk), version: .v0_1)), key: "vgg16", gain: 1.6)
        try expect(lpips.load(), ["x": golden.tensor("scaled_a")], ["out": golden["feat4"]])
    }

    @Test func inception() throws {
        let golden = try Golden("inception/inception_slim16.io.safetensors")
        // pytorch-fid's input: bilinear with half-pixel centres, then [-1, 1].
        let small = try golden.tensor("x01")
        let planes = small.shape[0] * small.shape[1]
        var values = [Float](repeating: 0, count: planes * 299 * 299)
        let status = ud2m_resize_bilinear(
            nil, small.values, Int32(planes), Int32(small.shape[2]), Int32(small.shape[3]), &values, 299, 299)
        try #require(status == UD2M_STATUS_OK)
        for index in values.indices { values[index] = 2 * values[index] - 1 }
        let x = try Tensor(shape: [small.shape[0], 3, 299, 299], values: values)
        var references = activations(golden)
        #expect(references.count == 6)
        for (block, tap) in ["64", "192", "768", "2048"].enumerated() {
            let entry = try golden["block\(block)"]
            // The reference keeps the pooled features as a map of one pixel.
            references[tap] = tap == "2048" ? Golden.Entry(shape: [2, 128], values: entry.values) : entry
        }
        references["out"] = references["2048"]
        references["logits"] = try golden["fc_logits"]
        try expect(GoldenNetwork.inception().load(), ["x": x], references)
    }

    @Test func discriminator() throws {
        let golden = try Golden("disc/discriminator_32.io.safetensors")
        let inputs = ["x": try golden.tensor("input"), "y": try golden.tensor("y")]
        var references = activations(golden)
        #expect(references.count == 5)
        references["out"] = try golden["out"]
        let network = try GoldenNetwork.discriminator.load()
        try expect(network, inputs, references)
        try expect(network, inputs, ["out": golden["out"]])
    }

    @Test func discriminatorTakesOneSizeOnly() throws {
        let network = try GoldenNetwork.discriminator.load(threads: 1)
        let x = try Tensor(shape: [1, 3, 64, 64], repeating: 0)
        let error = #expect(throws: UD2MError.self) { try network.run(["x": x, "y": x]) }
        #expect(error?.code == .inputShape)
        #expect(error?.location.tensor == "x")
    }
}
