import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

extension Tensor {
    /// A golden array as a float32 tensor.
    init(_ golden: GoldenTensors.Array) throws {
        try self.init(shape: golden.shape, values: golden.floats)
    }

    /// Normal noise of a shape, different for every `seed`.
    static func random(_ shape: [Int], seed: UInt64) throws -> Tensor {
        try PhiloxNoise(seed: seed).normals(.observation, sample: 0, shape: shape)
    }
}

/// The largest absolute difference of two sequences; infinite when their lengths differ or a value is NaN.
func largestDifference(_ first: some Collection<Double>, _ second: some Collection<Double>) -> Double {
    guard first.count == second.count else { return .infinity }
    return zip(first, second).reduce(0) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        return difference.isNaN ? .infinity : max(worst, difference)
    }
}

/// The inner product of two tensors of one shape.
func inner(_ first: Tensor, _ second: Tensor) -> Double {
    zip(first.values, second.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}

/// Runs `body` and gives the toolkit error it throws.
func thrownError(_ body: () throws -> Void) -> UD2MError? {
    do {
        try body()
        return nil
    } catch {
        return error as? UD2MError
    }
}
