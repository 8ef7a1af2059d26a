import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// Denoising in tiles, and drawing from a prior.
@Suite("tiles and priors") struct TiledDenoiserTests {
    /// Looks at each pixel alone, so that tiles change nothing; remembers nothing.
    private struct PixelDenoiser: Denoiser {
        func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
            try Tensor(shape: x.shape, values: x.values.map { $0 * 0.5 - 0.25 })
        }
    }

    /// Gives each tile its own mean, so that seams show.
    private struct MeanDenoiser: Denoiser {
        func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
            try Tensor(shape: x.shape, repeating: x.values.reduce(0, +) / Float(x.values.count))
        }
    }

    @Test("tiles of any size give what the whole image gives", arguments: [(8, 0), (8, 3), (16, 4), (32, 31), (64, 8)])
    func local(tile: Int, overlap: Int) throws {
        let image = try Tensor.random([2, 3, 37, 21], seed: 1)
        let whole = try PixelDenoiser().predictNoise(image, timestep: 3)
        let tiled = try TiledDenoiser(PixelDenoiser(), tile: tile, overlap: overlap).predictNoise(image, timestep: 3)
        #expect(largestDifference(whole.values.map { Double($0) }, tiled.values.map { Double($0) }) < 1e-6)
    }

    @Test("tiles fade into each other: steps between neighbours are those of the ramp")
    func blending() throws {
        let ramp = try Tensor(shape: [1, 1, 8, 32], values: (0..<256).map { Float($0 % 32) })
        let tiled = try TiledDenoiser(MeanDenoiser(), tile: 16, overlap: 8).predictNoise(ramp, timestep: 0)
        // The means of the tiles at 0, 8 and 16 are 7.5, 15.5 and 23.5: over an overlap of 8 pixels the change is gradual.
        let line = tiled.values.prefix(32)
        #expect(abs(line[0] - 7.5) < 1e-5 && abs(line[31] - 23.5) < 1e-5)
        #expect(zip(line, line.dropFirst()).allSatisfy { $1 - $0 >= -1e-5 && $1 - $0 < 2 })
    }

    @Test("sizes that make no tiles are refused")
    func refused() {
        for (tile, overlap, multiple) in [(0, 0, 1), (12, 2, 8), (16, 16, 8), (16, -1, 8), (-8, 0, 8)] {
            #expect(throws: UD2MError.self) {
                _ = try TiledDenoiser(PixelDenoiser(), tile: tile, overlap: overlap, multiple: multiple)
            }
        }
    }

    /// The noise in images of independent pixels of a mean and a variance.
    private struct GaussianPrior: Denoiser {
        func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
            let schedule = NoiseSchedule.linear
            let signal = Double(schedule.signalScales[timestep])
            let spread = Double(schedule.noiseScales[timestep])
            let scale = spread / (signal * signal * 0.04 + spread * spread)
            return try Tensor(shape: x.shape, values: x.values.map { Float((Double($0) - signal * 0.3) * scale) })
        }
    }

    @Test("a Gaussian prior is drawn with its mean and variance", arguments: [0.0, 1.0])
    func prior(eta: Double) throws {
        let sampler = try PriorSampler(
            denoiser: GaussianPrior(), grid: .uniform(steps: 1000), eta: eta, noise: PhiloxNoise(seed: 5))
        let shape = [1, 1, 64, 64]
        let samples = try sampler.draw(0..<2, shape: shape)
        #expect(try sampler.draw(1..<2, shape: shape)[0] == samples[1])
        let values = samples.flatMap(\.values).map { Double($0) }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        // Four standard errors of 0.2, and the error of 1000 steps.
        let bound: Double = 0.8 / Double(values.count).squareRoot() + 0.003
        #expect(abs(mean - 0.3) < bound)
        #expect(abs(variance / 0.04 - 1) < 0.06 + 0.05)
        #expect(throws: UD2MError.self) { try sampler.draw(0..<0, shape: shape) }
    }

    @Test("uniform grids end at zero")
    func grids() throws {
        #expect(try TimeGrid.uniform(steps: 5).timesteps == [999, 749, 500, 250, 0])
        #expect(try TimeGrid.uniform(steps: 1).timesteps == [999])
        #expect(try TimeGrid.uniform(steps: 1000).timesteps.count == 1000)
        #expect(throws: UD2MError.self) { _ = try TimeGrid.uniform(steps: 0) }
    }
}
