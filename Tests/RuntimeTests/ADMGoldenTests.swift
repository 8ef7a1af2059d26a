import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Whole networks against guided-diffusion in PyTorch.
@Suite struct ADMGoldenTests {
    /// Two float32 implementations of these networks differ by up to 8e-6 where activations reach 7; Winograd
    /// convolutions double the rounding error (`goldens.md` §11, `kernels.md`).
    static let tolerance: Float = 3e-5

    @Test(arguments: ADMCase.all) func outputMatchesReference(_ adm: ADMCase) throws {
        let golden = try adm.golden()
        let out = try #require(try adm.network().run(adm.inputs(golden))["out"])
        #expect(out.shape == (try golden["out"].shape))
        #expect(largestDifference(out.values, try golden["out"].values) < Self.tolerance)
    }

    @Test(arguments: ADMCase.all) func activationsMatchReference(_ adm: ADMCase) throws {
        let golden = try adm.golden()
        let references = golden.tensors.filter { $0.key.hasPrefix("act/") || $0.key == "sinusoid" }
        #expect(references.count >= 6)
        let names = references.keys.map { $0.hasPrefix("act/") ? String($0.dropFirst(4)) : $0 }
        let results = try adm.network().run(adm.inputs(golden), taps: names)
        for (key, reference) in references {
            let name = key.hasPrefix("act/") ? String(key.dropFirst(4)) : key
            let tensor = try #require(results[name])
            // Inner activations are stored for the first item of the batch, embeddings for all.
            #expect(tensor.shape.dropFirst() == reference.shape.dropFirst(), "\(name)")
            let difference = largestDifference(tensor.values.prefix(reference.values.count), reference.values)
            #expect(difference < Self.tolerance, "\(name)")
        }
        let out = try #require(results["out"])
        #expect(largestDifference(out.values, try golden["out"].values) < Self.tolerance)
    }

    /// A tap alone must not change what the network computes beyond rounding, whichever fold it prevents.
    @Test(arguments: ADMCase.all) func everyTapAloneKeepsTheOutput(_ adm: ADMCase) throws {
        let golden = try adm.golden()
        let network = try adm.network()
        let inputs = try adm.inputs(golden)
        let reference = try golden["out"].values
        for tap in network.tapNames {
            let results = try network.run(inputs, taps: [tap])
            #expect(results[tap] != nil)
            #expect(largestDifference(try #require(results["out"]).values, reference) < Self.tolerance, "\(tap)")
        }
    }

    @Test func mixedPrecisionCheckpointMatchesReference() throws {
        let adm = try #require(ADMCase.all.first { $0.name == "adm_c" })
        let golden = try adm.golden()
        let network = try adm.network(isMixedPrecision: true)
        let out = try #require(try network.run(adm.inputs(golden))["out"])
        let reference = try golden["out_fp16ckpt_fp32math"].values
        #expect(largestDifference(out.values, reference) < Self.tolerance)
        // The rounded weights must be told from the full ones.
        #expect(largestDifference(out.values, try golden["out"].values) > 10 * Self.tolerance)
    }

    /// The reference once more in half-precision arithmetic, which this runtime does not have: it computes in float32
    /// whatever the weights are stored as. The outputs differ by what half precision rounds away (`goldens.md` §11).
    @Test func halfPrecisionArithmeticIsNear() throws {
        let adm = try #require(ADMCase.all.first { $0.name == "adm_c" })
        let golden = try adm.golden()
        let out = try #require(try adm.network(isMixedPrecision: true).run(adm.inputs(golden))["out"])
        let difference = largestDifference(out.values, try golden["out_fp16ckpt_fp16math_cpu"].values)
        #expect(difference <= 5e-2)
        #expect(difference > Self.tolerance)
    }

    @Test func portableGeneratorMatchesReference() throws {
        let golden = try Golden("portable_generator.safetensors")
        #expect(PortableWeights.fnv1a64("abc") == 0xE71F_A219_0541_574B)
        #expect(PortableWeights.uniform("abc", count: 16) == (try golden["u_abc_16"].values))
    }
}
