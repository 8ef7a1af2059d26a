import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// What each ``Precision`` does to a whole network.
@Suite struct PrecisionTests {
    /// Root of the mean squared difference from the reference over the root of its mean square.
    private func error(
        _ adm: ADMCase, _ precision: Precision, _ golden: Golden, algorithms: AlgorithmTable? = nil
    ) throws -> Double {
        let network = try adm.network(precision: precision, algorithms: algorithms)
        let out = try #require(try network.run(adm.inputs(golden))["out"])
        return normalisedError(out.values, try golden["out"].values.map { Double($0) })
    }

    /// The golden of 42×26 pixels, which no tile of a Winograd convolution divides, computed in double precision.
    private func exact(_ adm: ADMCase) throws -> Golden { try Golden("adm/\(adm.name).exact.safetensors") }

    /// A table that makes every 3×3 convolution take F(4×4), which the cost model does not where it does not pay.
    private func largeTiles(_ adm: ADMCase, _ golden: Golden) throws -> AlgorithmTable {
        var table = try adm.network().measureAlgorithms(adm.inputs(golden))
        for index in table.entries.indices { table.entries[index].seconds["winograd4"] = 0 }
        return table
    }

    /// "That of PyTorch or less" (`docs/kernels.md`).
    @Test(arguments: ADMCase.all) func strictRoundsNoMoreThanPyTorch(_ adm: ADMCase) throws {
        let golden = try exact(adm)
        let pytorch = normalisedError(try golden["pytorch"].values, try golden["out"].values.map { Double($0) })
        let own = try error(adm, .strict, golden)
        #expect(own <= pytorch, "\(own) and \(pytorch)")
    }

    /// 3e-6 (`docs/kernels.md`), for any choice of algorithms.
    @Test(arguments: ADMCase.all) func defaultIsWithinItsError(_ adm: ADMCase) throws {
        let golden = try exact(adm)
        let table = try largeTiles(adm, golden)
        let (chosen, worst) = (
            try error(adm, .standard, golden), try error(adm, .standard, golden, algorithms: table)
        )
        #expect(chosen < 3e-6 && worst < 3e-6, "\(chosen) and \(worst)")
        // Otherwise the table was not followed.
        #expect(worst != (try error(adm, .strict, golden)))
    }

    /// These goldens of 16×16 pixels are float32 as well, so that differences hold their rounding too, about 1e-6.
    @Test(arguments: ADMCase.all) func strictAndDefaultAreNearFloat32(_ adm: ADMCase) throws {
        let golden = try adm.golden()
        #expect(try error(adm, .strict, golden) < 2e-6)
        #expect(try error(adm, .standard, golden) < 3e-6)
        #expect(try error(adm, .standard, golden, algorithms: largeTiles(adm, golden)) < 3e-6)
    }

    /// 4 to 6e-4 (`docs/kernels.md`): kernels rounded to eleven bits. Much less would mean that they were not.
    @Test(arguments: ADMCase.all) func halfWeightsAreWithinTheirError(_ adm: ADMCase) throws {
        for golden in [try adm.golden(), try exact(adm)] {
            let error = try error(adm, .halfWeights, golden)
            #expect(error < 7e-4 && error > 3e-4, "\(error)")
        }
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
