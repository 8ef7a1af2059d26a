import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// The small RAM network of the fixtures, and its operators.
enum RAMFixtures {
    /// The network, from a store written to a temporary file, without some of its tensors.
    static func network(threads: Int = 2, without omitted: Set<String> = []) throws -> RAMNetwork {
        let folder = try TemporaryDirectory()
        let path = folder.path("ram.ud2w")
        try RAMWeights.writeStore(to: path, without: omitted)
        // The open store keeps its file's bytes although the folder goes.
        return try withExtendedLifetime(folder) {
            try RAMNetwork(store: WeightStore(path: path), threads: threads)
        }
    }

    /// A 5×5 kernel without symmetry.
    static func asymmetricKernel() throws -> BlurKernel {
        let kernel = try GoldenTensors("ram/deblur_asym.io.safetensors")["kernel"]
        return try BlurKernel(rows: 5, columns: 5, weights: kernel.values)
    }

    /// A random 64×64 mask.
    static func mask() throws -> Mask {
        let mask = try GoldenTensors("ram/inpaint.io.safetensors")["mask"]
        return try Mask(height: 64, width: 64, values: mask.floats)
    }

    /// The operator of a fixture.
    static func measurement(_ fixture: String) throws -> any LinearMeasurement {
        switch fixture {
        case "deblur_asym": try Deblurring(kernel: asymmetricKernel(), height: 64, width: 64)
        case "inpaint": Inpainting(mask: try mask())
        case "sr4_bicubic": try SuperResolution(factor: 4, kernel: .bicubic(factor: 4), height: 64, width: 64)
        default: IdentityMeasurement()
        }
    }

    /// What a fixture restores from.
    static func problem(_ fixture: String, _ golden: GoldenTensors) throws -> RAMProblem {
        RAMProblem(
            observation: try Tensor(golden["y"]), through: try measurement(fixture),
            sigma: .uniform(try golden["sigma"].values[0]))
    }
}
