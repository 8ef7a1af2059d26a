import Foundation
import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MRuntime
import UD2MTestSupport

@Suite struct MetricsFrechetTests {
    static func features(_ key: String, _ count: Int, _ length: Int, offset: Float = 0) throws -> Tensor {
        let values = PortableWeights.uniform(key, count: count * length).map { $0 + offset }
        return try Tensor(shape: [count, length], values: values)
    }

    static func statistics(_ features: Tensor, batch: Int = .max) throws -> FeatureStatistics {
        let length = features.shape[1]
        var accumulator = try FeatureAccumulator(length: length)
        var row = 0
        while row < features.shape[0] {
            let end = min(row + min(batch, 10_000), features.shape[0])
            let values = Array(features.values[row * length..<end * length])
            try accumulator.add(try Tensor(shape: [end - row, length], values: values))
            row = end
        }
        return try accumulator.statistics()
    }

    /// pytorch-fid's own value of the stored features; FID is promised to 1e-4.
    @Test func agreesWithPytorchFID() throws {
        let golden = try Golden("inception/inception_slim16.io.safetensors")
        let sets = try ["fid_feats_a", "fid_feats_b"].map { name in
            let entry = try golden[name]
            return try Self.statistics(try Tensor(shape: entry.shape, values: entry.values))
        }
        let distance = try FrechetDistance.distance(sets[0], sets[1])
        #expect(abs(distance - Double(try golden["fid_value_f64"].values[0])) < 1e-5)
    }

    /// Deviations of 300 vectors, which do not fill whole blocks, against sums over all of them.
    @Test(arguments: [1, 7, 128, 300])
    func statisticsFollowTheirDefinition(batch: Int) throws {
        let (count, length) = (300, 5)
        let features = try Self.features("vectors", count, length)
        let found = try Self.statistics(features, batch: batch)
        #expect(found.count == count)
        let mean = (0..<length).map { column in
            (0..<count).reduce(0.0) { $0 + Double(features.values[$1 * length + column]) } / Double(count)
        }
        for i in 0..<length {
            #expect(abs(found.mean[i] - mean[i]) < 1e-14)
            for j in 0..<length {
                let sum = (0..<count).reduce(0.0) { sum, row in
                    let left = Double(features.values[row * length + i]) - mean[i]
                    let right = Double(features.values[row * length + j]) - mean[j]
                    return sum + left * right
                }
                let value = try #require(found.covariance[i, j])
                #expect(abs(value - sum / Double(count - 1)) < 1e-14)
            }
        }
        #expect(try Self.statistics(features, batch: 300) == found)
    }

    /// The sum of squares loses all its digits here, deviations from the mean none.
    @Test func aMeanFarFromZeroDoesNoHarm() throws {
        // Multiples of 2⁻⁹ below 2¹⁵, so that the shift is exact in float32.
        let near = try Tensor(
            shape: [500, 3],
            values: PortableWeights.uniform("far", count: 1500).map { ($0 * 256).rounded() / 512 })
        let far = try Tensor(shape: near.shape, values: near.values.map { $0 + 16_384 })
        let (a, b) = try (Self.statistics(near), Self.statistics(far))
        for (left, right) in zip(a.covariance.values, b.covariance.values) { #expect(abs(left - right) < 1e-12) }
    }

    @Test func diagonalCovariancesHaveAClosedForm() throws {
        func diagonal(_ mean: [Double], _ variances: [Double]) throws -> FeatureStatistics {
            let n = variances.count
            let values = (0..<n * n).map { $0 / n == $0 % n ? variances[$0 / n] : 0 }
            return try FeatureStatistics(mean: mean, covariance: Matrix(rows: n, columns: n, values: values))
        }
        let a = try diagonal([0, 1, 2], [4, 9, 0])
        let b = try diagonal([1, 1, 0], [1, 4, 25])
        // |μ|² = 5; Σ (σ₁ - σ₂)² = 1 + 1 + 25.
        #expect(abs(try FrechetDistance.distance(a, b) - 32) < 1e-12)
        #expect(abs(try FrechetDistance.distance(b, a) - 32) < 1e-12)
        #expect(abs(try FrechetDistance.distance(a, a)) < 1e-12)
    }

    /// Fewer vectors than elements: with roots of the factors the distance to itself is zero to many digits.
    @Test func singularCovariances() throws {
        let few = try Self.statistics(try Self.features("few", 20, 150))
        let others = try Self.statistics(try Self.features("others", 30, 150))
        #expect(abs(try FrechetDistance.distance(few, few)) < 1e-7)
        let there = try FrechetDistance.distance(few, others)
        #expect(there > 1)
        #expect(abs(try FrechetDistance.distance(others, few) - there) < 1e-7)
    }

    @Test func whatIsNoStatisticIsRefused() throws {
        func code(_ body: () throws -> Void) -> UD2MError.Code? {
            #expect(throws: UD2MError.self) { try body() }?.code
        }
        func matrix(_ values: [Double]) throws -> Matrix { try Matrix(rows: 2, columns: 2, values: values) }
        #expect(code { _ = try FeatureStatistics(mean: [1], covariance: matrix([1, 0, 0, 1])) } == .statisticsInvalid)
        #expect(
            code { _ = try FeatureStatistics(mean: [1, .nan], covariance: matrix([1, 0, 0, 1])) }
                == .statisticsInvalid)
        #expect(
            code { _ = try FeatureStatistics(mean: [1, 2], covariance: matrix([1, 0.5, 0, 1])) } == .statisticsInvalid)
        let indefinite = try FeatureStatistics(mean: [0, 0], covariance: matrix([1, 2, 2, 1]))
        #expect(code { _ = try FrechetDistance.distance(indefinite, indefinite) } == .statisticsInvalid)
        let (two, three) = try (Self.statistics(Self.features("a", 4, 2)), Self.statistics(Self.features("a", 4, 3)))
        #expect(code { _ = try FrechetDistance.distance(two, three) } == .featureCount)
        #expect(code { _ = try Self.statistics(Self.features("a", 1, 2)) } == .featureCount)
        #expect(code { _ = try FeatureAccumulator(length: 0) } == .matrixShape)
        var accumulator = try FeatureAccumulator(length: 2)
        #expect(code { try accumulator.add(try Tensor(shape: [1, 3], values: [1, 2, 3])) } == .featureCount)
        #expect(code { try accumulator.add(try Tensor(shape: [1, 2], values: [1, .nan])) } == .featureNotFinite)
        #expect(accumulator.count == 0)
    }
}
