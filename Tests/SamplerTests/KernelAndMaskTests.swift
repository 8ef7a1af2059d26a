import Testing
import UD2MFormats
import UD2MSampler
import UD2MTestSupport

/// Blur kernels against the reference's, masks, and what both refuse.
@Suite struct KernelAndMaskTests {
    @Test(arguments: [
        ("gaussian_3_var3", try BlurKernel.gaussian(size: 3, variance: 3)),
        ("gaussian_5_var3", try BlurKernel.gaussian(size: 5, variance: 3)),
        ("gaussian_25_var10", try BlurKernel.gaussian(size: 25, variance: 10)),
        ("uniform_9", try BlurKernel.uniform(size: 9)),
        ("bicubic_sf2", try BlurKernel.bicubic(factor: 2)),
        ("bicubic_sf4", try BlurKernel.bicubic(factor: 4)),
        ("anisotropic_any", try BlurKernel.publishedAnisotropic()),
    ]) func kernelsMatch(name: String, kernel: BlurKernel) throws {
        let golden = try GoldenTensors("sampler/kernels.safetensors")[name]
        #expect(golden.shape == [kernel.rows, kernel.columns])
        // The reference is float32: its weights carry an error of 1e-8 at most.
        #expect(largestDifference(kernel.weights, golden.values) < 2e-8)
        #expect(zip(kernel.weights, golden.values).allSatisfy { ($0 == 0) == ($1 == 0) })
        #expect(abs(kernel.weights.reduce(0, +) - 1) < 1e-14)
    }

    @Test func refusesImpossibleKernels() throws {
        let attempts: [() throws -> Void] = [
            { _ = try BlurKernel(rows: 2, columns: 2, weights: [1, 2, 3]) },
            { _ = try BlurKernel(rows: 0, columns: 0, weights: []) },
            { _ = try BlurKernel(rows: Int.max, columns: 2, weights: [1]) },
            { _ = try BlurKernel(rows: 1, columns: 1, weights: [.nan]) },
            { _ = try BlurKernel(rows: 1, columns: 2, weights: [1, -1]).normalized() },
            { _ = try BlurKernel(rows: 1, columns: 1, weights: [-1]).normalized() },
            { _ = try BlurKernel.gaussian(size: 0, variance: 1) },
            { _ = try BlurKernel.gaussian(size: 5, variance: 0) },
            { _ = try BlurKernel.gaussian(size: 5, variance: .infinity) },
            { _ = try BlurKernel.gaussian(size: 4, variance: 1e-300) },
            { _ = try BlurKernel.uniform(size: 5000) },
            { _ = try BlurKernel.bicubic(factor: 0) },
            { _ = try BlurKernel.bicubic(factor: Int.max) },
        ]
        for attempt in attempts { #expect(thrownError(attempt)?.code == .kernelInvalid) }
    }

    @Test func randomMasksKeepTheirFraction() throws {
        let noise = PhiloxNoise(seed: 5)
        let mask = try Mask.random(height: 200, width: 300, keptFraction: 0.3, noise: noise)
        // 18000 expected, standard deviation 112.
        #expect(abs(mask.kept.count { $0 } - 18_000) < 450)
        #expect(try Mask.random(height: 200, width: 300, keptFraction: 0.3, noise: noise) == mask)
        #expect(try !Mask.random(height: 9, width: 9, keptFraction: 1, noise: noise).kept.contains(false))
    }

    @Test func boxMasksMissTheirRectangle() throws {
        let mask = try Mask.box(height: 3, width: 4, top: 1, left: 2, boxHeight: 2, boxWidth: 1)
        #expect(mask.kept.indices.filter { !mask.kept[$0] } == [6, 10])
    }

    @Test func masksFromNumbersAreThresholded() throws {
        #expect(try Mask(height: 1, width: 3, values: [0, 0.5, 1]).kept == [false, true, true])
    }

    @Test func refusesImpossibleMasks() {
        let noise = PhiloxNoise(seed: 5)
        let attempts: [() throws -> Void] = [
            { _ = try Mask(height: 2, width: 2, kept: [true]) },
            { _ = try Mask(height: Int.max, width: Int.max, kept: [true]) },
            { _ = try Mask(height: 1, width: 1, values: [.nan]) },
            { _ = try Mask(height: 1, width: 2, kept: [false, false]) },
            { _ = try Mask.random(height: 9, width: 9, keptFraction: 0, noise: noise) },
            { _ = try Mask.box(height: 4, width: 4, top: 0, left: 0, boxHeight: 4, boxWidth: 4) },
            { _ = try Mask.random(height: 2, width: 2, keptFraction: 1.5, noise: noise) },
            { _ = try Mask.random(height: 2, width: 2, keptFraction: .nan, noise: noise) },
            { _ = try Mask.random(height: 0, width: 2, keptFraction: 0.5, noise: noise) },
            { _ = try Mask.random(height: Int.max, width: 4, keptFraction: 0.5, noise: noise) },
            { _ = try Mask.box(height: 4, width: 4, top: 3, left: 0, boxHeight: 2, boxWidth: 1) },
            { _ = try Mask.box(height: 4, width: 4, top: Int.max, left: 0, boxHeight: 1, boxWidth: 1) },
            { _ = try Mask.box(height: 4, width: 4, top: 0, left: 0, boxHeight: 0, boxWidth: 1) },
            { _ = try Mask.box(height: 4, width: 4, top: -1, left: 0, boxHeight: 1, boxWidth: 1) },
        ]
        for attempt in attempts { #expect(thrownError(attempt)?.code == .maskInvalid) }
    }
}
