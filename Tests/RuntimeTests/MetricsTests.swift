import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

@Suite struct MetricsTests {
    /// Repeatable values in [0, 1).
    static func noise(_ key: String, _ shape: [Int]) throws -> Tensor {
        let count = shape.reduce(1, *)
        return try Tensor(shape: shape, values: PortableWeights.uniform(key, count: count).map { $0 + 0.5 })
    }

    @Test func psnrFollowsItsDefinition() throws {
        let zero = try Tensor(shape: [1, 3, 4, 4], repeating: 0)
        let tenth = try Tensor(shape: [1, 3, 4, 4], repeating: 0.1)
        #expect(abs(try ImageMetrics.psnr(tenth, reference: zero) - 20) < 1e-6)
        #expect(abs(try ImageMetrics.psnr(tenth, reference: zero, range: 2) - (20 + 20 * log10(2))) < 1e-6)
        #expect(try ImageMetrics.psnr(zero, reference: zero) == .infinity)
    }

    @Test func ssimOfConstantsFollowsItsDefinition() throws {
        let a = try Tensor(shape: [1, 1, 11, 13], repeating: 0.25)
        let b = try Tensor(shape: [1, 1, 11, 13], repeating: 0.75)
        let expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25 * 0.25 + 0.75 * 0.75 + 1e-4)
        #expect(abs(try ImageMetrics.ssim(a, reference: b) - expected) < 1e-9)
        #expect(abs(try ImageMetrics.ssim(a, reference: a) - 1) < 1e-12)
    }

    /// Against the formula written out with two-dimensional sums.
    @Test func ssimMatchesDirectSums() throws {
        let (height, width) = (13, 12)
        let a = try Self.noise("a", [2, height, width])
        let b = try Self.noise("b", [2, height, width])
        var sum = 0.0
        var count = 0
        for plane in 0..<2 {
            for y in 0...height - 11 {
                for x in 0...width - 11 {
                    sum += similarity(a, b, start: (plane * height + y) * width + x, width: width)
                    count += 1
                }
            }
        }
        let expected = sum / Double(count)
        #expect(abs(try ImageMetrics.ssim(a, reference: b) - expected) < 1e-10)
        #expect(abs(expected) < 0.3)
    }

    /// torchmetrics counts every pixel of the image mirrored at its border: as many positions as pixels.
    @Test func ssimOfTheMirroredImage() throws {
        let (height, width) = (9, 14)
        let a = try Self.noise("a", [1, height, width])
        let b = try Self.noise("b", [1, height, width])
        let (tall, wide) = (height + 10, width + 10)
        func mirrored(_ tensor: Tensor) throws -> Tensor {
            func inside(_ index: Int, _ count: Int) -> Int { min(abs(index), 2 * (count - 1) - abs(index)) }
            let values = (0..<tall * wide).map { index in
                tensor.values[inside(index / wide - 5, height) * width + inside(index % wide - 5, width)]
            }
            return try Tensor(shape: [1, tall, wide], values: values)
        }
        let expected = try ImageMetrics.ssim(mirrored(a), reference: mirrored(b))
        let found = try ImageMetrics.ssim(a, reference: b, border: .reflected)
        #expect(abs(found - expected) < 1e-12)
    }

    private func similarity(_ a: Tensor, _ b: Tensor, start: Int, width: Int) -> Double {
        var weight = 0.0
        var moments = [Double](repeating: 0, count: 5)
        for dy in -5...5 {
            for dx in -5...5 {
                let w = exp(-Double(dx * dx + dy * dy) / 4.5)
                let index = start + (dy + 5) * width + dx + 5
                let (p, q) = (Double(a.values[index]), Double(b.values[index]))
                weight += w
                for (k, value) in [p, q, p * p, q * q, p * q].enumerated() { moments[k] += w * value }
            }
        }
        let m = moments.map { $0 / weight }
        let covariance = m[4] - m[0] * m[1]
        let variances = m[2] - m[0] * m[0] + m[3] - m[1] * m[1]
        return (2 * m[0] * m[1] + 1e-4) * (2 * covariance + 9e-4)
            / ((m[0] * m[0] + m[1] * m[1] + 1e-4) * (variances + 9e-4))
    }

    @Test func unfitImagesAreRefused() throws {
        let small = try Self.noise("a", [1, 1, 10, 20])
        let other = try Self.noise("a", [1, 1, 20, 10])
        func code(_ body: () throws -> Double) -> UD2MError.Code? {
            #expect(throws: UD2MError.self) { try body() }?.code
        }
        #expect(code { try ImageMetrics.ssim(small, reference: small) } == .tensorShape)
        #expect(code { try ImageMetrics.psnr(small, reference: other) } == .tensorShape)
        #expect(code { try ImageMetrics.psnr(small, reference: small, range: 0) } == .inputRange)
        #expect(code { try ImageMetrics.psnr(small, reference: small, range: .nan) } == .inputRange)
    }
}
