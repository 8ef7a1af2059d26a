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

    @Test func halfWeightsDoNotDependOnThreads() throws {
        let adm = ADMCase.all[0]
        let inputs = try adm.inputs(adm.golden())
        let one = try adm.network(threads: 1, precision: .halfWeights).run(inputs)
        #expect(try adm.network(threads: 3, precision: .halfWeights).run(inputs) == one)
    }
}
