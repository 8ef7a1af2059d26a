import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// What each ``Precision`` does to a whole network.
@Suite struct PrecisionTests {
    /// Root of the mean squared difference over the root of the mean square of the reference.
    private func error(_ adm: ADMCase, _ precision: Precision) throws -> Double {
        let golden = try adm.golden()
        let out = try #require(try adm.network(precision: precision).run(adm.inputs(golden))["out"])
        return normalisedError(out.values, try golden["out"].values.map { Double($0) })
    }

    /// The golden is float32 as well, so differences hold its rounding too (`kernels.md`: PyTorch 1.6e-6).
    @Test(arguments: ADMCase.all) func strictAndDefaultAreFloat32(_ adm: ADMCase) throws {
        #expect(try error(adm, .strict) < 3e-6)
        #expect(try error(adm, .standard) < 5e-6)
    }

    /// Kernels rounded to eleven bits: 2^-12 each, so some 1e-4 after a few layers; zero would mean that they were not.
    @Test(arguments: ADMCase.all) func halfWeightsAreNear(_ adm: ADMCase) throws {
        let error = try error(adm, .halfWeights)
        #expect(error < 2e-3)
        #expect(error > 1e-5)
    }

    /// A kernel's weights with one replaced.
    private func network(_ weight: Float, of name: TensorName, _ precision: Precision) throws -> Network {
        let adm = ADMCase.all[0]
        let weights = try adm.weights().map { tensor in
            guard tensor.name == name else { return tensor }
            var floats = PortableWeights.weight(case: adm.name, tensor: name.text, shape: tensor.shape)
            floats[floats.count / 2] = weight
            return TensorInput(name: name, shape: tensor.shape, floats: floats)
        }
        return try adm.load(weights, precision: precision)
    }

    /// 65519 rounds to 65504, the largest half; 65520 would become infinite.
    @Test func weightsBeyondHalvesAreRefused() throws {
        let name: TensorName = "input_blocks.1.0.in_layers.2.weight"
        for weight: Float in [65_520, -70_000, 3e38] {
            let error = #expect(throws: UD2MError.self) { try network(weight, of: name, .halfWeights) }
            #expect(error?.code == .weightRange)
            #expect(error?.location.tensor == name.text)
            #expect(error?.message.contains("\(abs(weight))") == true)
            #expect(error?.remedy != nil)
            _ = try network(weight, of: name, .standard)
        }
        _ = try network(-65_519, of: name, .halfWeights)
        // Those that are no numbers are kept in any precision: the conversion and the outputs tell of them.
        _ = try network(.infinity, of: name, .halfWeights)
        // What is not held as float16 may have any size.
        _ = try network(70_000, of: "input_blocks.1.0.in_layers.2.bias", .halfWeights)
    }

    @Test func halfWeightsDoNotDependOnThreads() throws {
        let adm = ADMCase.all[0]
        let inputs = try adm.inputs(adm.golden())
        let one = try adm.network(threads: 1, precision: .halfWeights).run(inputs)
        #expect(try adm.network(threads: 3, precision: .halfWeights).run(inputs) == one)
    }
}
