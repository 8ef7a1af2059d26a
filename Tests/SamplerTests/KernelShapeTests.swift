import Foundation
import Testing
import UD2MFormats
import UD2MSampler
import UD2MTestSupport

/// Kernels that are drawn or measured, and sizes that operators refuse.
@Suite struct KernelShapeTests {
    @Test(arguments: [(3, 2.0, 0.0), (9, 8, 0.5), (15, 4.5, 2), (31, 30, 0.3)])
    func motionKernelsAreCentredAndOfTheirLength(size: Int, length: Double, intensity: Double) throws {
        for seed in 0..<20 as Range<UInt64> {
            let kernel = try BlurKernel.motion(size: size, seed: seed, length: length, intensity: intensity)
            #expect(kernel.rows == size && kernel.columns == size)
            #expect(abs(kernel.weights.reduce(0, +) - 1) < 1e-12)
            #expect(kernel.weights.allSatisfy { $0 >= 0 })
            var (x, y, spread) = (0.0, 0.0, 0.0)
            for (index, weight) in kernel.weights.enumerated() {
                let (column, row) = (Double(index % size - size / 2), Double(index / size - size / 2))
                x += weight * column
                y += weight * row
                spread += weight * (column * column + row * row)
            }
            #expect(abs(x) < 1e-9 && abs(y) < 1e-9)
            // A straight line's variance is length²/12; bends make it less, and spreading over pixels adds 1/2 at most.
            #expect(spread < length * length / 12 + 0.5)
            if intensity == 0 { #expect(spread > length * length / 12 - 0.05) }
        }
    }

    @Test func motionKernelsFollowTheirSeed() throws {
        let kernel = try BlurKernel.motion(size: 9, seed: 1, length: 8)
        #expect(try BlurKernel.motion(size: 9, seed: 1, length: 8) == kernel)
        #expect(try BlurKernel.motion(size: 9, seed: 2, length: 8).weights != kernel.weights)
        #expect(try BlurKernel.motion(size: 9, seed: 1, length: 8, intensity: 2).weights != kernel.weights)
    }

    @Test func stretchedKernelsHaveTheirWidths() throws {
        let round = try BlurKernel.anisotropic(size: 15, sigma: 2, crossSigma: 2, angle: 40)
        let golden = try GoldenTensors("sampler/kernels.safetensors")["deepinv_gaussian_sigma2"]
        // float32, and normalised over the whole plane.
        #expect(largestDifference(round.weights, golden.values) < 2e-7)

        let kernel = try BlurKernel.anisotropic(size: 31, sigma: 3, crossSigma: 1, angle: 30)
        let (cosine, sine) = (cos(Double.pi / 6), sin(Double.pi / 6))
        var (along, across) = (0.0, 0.0)
        for (index, weight) in kernel.weights.enumerated() {
            let (x, y) = (Double(index % 31 - 15), Double(index / 31 - 15))
            along += weight * (cosine * x + sine * y) * (cosine * x + sine * y)
            across += weight * (cosine * y - sine * x) * (cosine * y - sine * x)
        }
        #expect(abs(along - 9) < 0.01 && abs(across - 1) < 0.01)
    }

    @Test func measuredKernelsAreNormalised() throws {
        let kernel = try BlurKernel.pointSpread(rows: 1, columns: 2, values: [3, 1], summary: "star.png")
        #expect(kernel.weights == [0.75, 0.25] && kernel.summary == "star.png" && kernel.family == .other)
        #expect(try BlurKernel.gaussian(size: 3, variance: 1).family == .gaussian)
        let antialias = try BlurKernel.gaussianAntialias(factor: 4)
        #expect(antialias.rows == 13 && antialias.family == .gaussian)
    }

    @Test func refusesImpossibleShapes() throws {
        let attempts: [() throws -> Void] = [
            { _ = try BlurKernel.motion(size: 4, seed: 0, length: 2) },
            { _ = try BlurKernel.motion(size: 1, seed: 0, length: 0.5) },
            { _ = try BlurKernel.motion(size: 5, seed: 0, length: 5) },
            { _ = try BlurKernel.motion(size: 5, seed: 0, length: 0) },
            { _ = try BlurKernel.motion(size: 5, seed: 0, length: .nan) },
            { _ = try BlurKernel.motion(size: 5, seed: 0, length: 2, intensity: -1) },
            { _ = try BlurKernel.motion(size: 5001, seed: 0, length: 2) },
            { _ = try BlurKernel.anisotropic(size: 0, sigma: 1, crossSigma: 1) },
            { _ = try BlurKernel.anisotropic(size: 5, sigma: 0, crossSigma: 1) },
            { _ = try BlurKernel.anisotropic(size: 5, sigma: 1, crossSigma: .infinity) },
            { _ = try BlurKernel.anisotropic(size: 5, sigma: 1, crossSigma: 1, angle: .nan) },
            { _ = try BlurKernel.pointSpread(rows: 1, columns: 2, values: [0, 0], summary: "") },
            { _ = try BlurKernel.pointSpread(rows: 1, columns: 2, values: [.nan, 1], summary: "") },
            { _ = try BlurKernel.gaussianAntialias(factor: 0) },
            { _ = try BlurKernel.gaussianAntialias(factor: Int.max) },
        ]
        for attempt in attempts { #expect(thrownError(attempt)?.code == .kernelInvalid) }
    }

    @Test func kernelsLargerThanTheImageAreRefused() throws {
        let kernel = try BlurKernel.uniform(size: 9)
        for (height, width) in [(8, 16), (16, 8)] {
            let blur = thrownError { _ = try Deblurring(kernel: kernel, height: height, width: width) }
            let small = thrownError { _ = try SuperResolution(factor: 2, kernel: kernel, height: height, width: width) }
            for error in [blur, small] {
                #expect(error?.code == .kernelInvalid)
                #expect(error?.message.contains("9×9") == true)
            }
        }
        _ = try Deblurring(kernel: kernel, height: 9, width: 9)
    }
}
