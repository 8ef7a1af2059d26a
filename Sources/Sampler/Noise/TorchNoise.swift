import Synchronization
import UD2MFormats
import UD2MRuntime

/// The noise of a run of the paper's code, which seeds PyTorch's generator once and draws in the order in which it works:
/// the measurement's noise, the initial state, then a step's iterations and its transition (`sampler.md` §7.6).
///
/// Sample i is what a run of one image with the seed `seed` + i has: each has a generator of its own, which gives its
/// draws in the order in which they are asked for.
public final class TorchNoise: NoiseSource {
    private let seed: UInt64
    private let measurement: [Int]?
    private let generators = Mutex<[UInt32: TorchGenerator]>([:])

    /// Creates a source.
    /// - Parameters:
    ///   - seed: What the run gave to `torch.manual_seed`; the low 32 bits count.
    ///   - skippingMeasurement: The shape of the observation whose noise the run drew first, when it is not drawn here;
    ///     nil when nothing came before.
    public init(seed: UInt64, skippingMeasurement: [Int]? = nil) {
        self.seed = seed
        measurement = skippingMeasurement
    }

    /// `torch.randn` of the shape.
    public func normals(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try values(sample, shape) { $0.normals($1) }
    }

    /// `torch.rand` of the shape.
    public func uniforms(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try values(sample, shape) { $0.uniforms($1) }
    }

    private func values(
        _ sample: UInt32, _ shape: [Int], _ draw: (inout TorchGenerator, Int) -> [Float]
    ) throws -> Tensor {
        guard let count = Tensor.elementCount(shape) else {
            throw UD2MError(.noiseDraw, "\(shape) is not the shape of a tensor.")
        }
        let values = generators.withLock { generators in
            var generator = generators[sample] ?? fresh(sample)
            defer { generators[sample] = generator }
            return draw(&generator, count)
        }
        return try Tensor(shape: shape, values: values)
    }

    private func fresh(_ sample: UInt32) -> TorchGenerator {
        var generator = TorchGenerator(seed: seed &+ UInt64(sample))
        if let count = measurement.flatMap(Tensor.elementCount) { _ = generator.normals(count) }
        return generator
    }
}
