import UD2MFormats
import UD2MRuntime

/// Whole tensors from maps of single planes, for operators without a faster way.
extension LinearForwardOperator {
    /// A, plane by plane.
    public func apply(_ image: Tensor) throws -> Tensor {
        try eachPlane(of: image, name: "image", from: imageSize, to: observationSize, applied)
    }

    /// Aᵀ, plane by plane.
    public func adjoint(_ observation: Tensor) throws -> Tensor {
        try eachPlane(of: observation, name: "observation", from: observationSize, to: imageSize, transposed)
    }

    /// AᵀA, plane by plane, without rounding to float32 in between.
    public func gram(_ image: Tensor) throws -> Tensor {
        try eachPlane(of: image, name: "image", from: imageSize, to: imageSize) { try transposed(of: applied(to: $0)) }
    }

    /// The pseudo-inverse.
    public func initialEstimate(_ observation: Tensor) throws -> Tensor { try pseudoInverse(observation) }

    /// Maps every plane of a tensor to a plane of another size.
    func eachPlane(
        of tensor: Tensor, name: String, from source: PlaneSize, to target: PlaneSize,
        _ body: ([Double]) throws -> [Double]
    ) throws -> Tensor {
        let shape = try ImageShape(tensor, name: name)
        try shape.require(height: source.height, width: source.width, name: name)
        var values: [Double] = []
        values.reserveCapacity(shape.planes * target.count)
        for plane in 0..<shape.planes {
            values += try body(tensor.values[plane * source.count..<(plane + 1) * source.count].map { Double($0) })
        }
        return try shape.tensor(height: target.height, width: target.width, values)
    }

    /// Solves the least-squares problem plane by plane; `body` gives the minimiser for one plane of both.
    func eachTikhonovPlane(
        observation: Tensor, mean: [Double], _ body: (_ observed: [Double], _ mean: [Double]) throws -> [Double]
    ) throws -> [Double] {
        let shape = try ImageShape(observation, name: "observation")
        try shape.require(height: observationSize.height, width: observationSize.width, name: "observation")
        try ProximalObjective.require(mean, images: shape, height: imageSize.height, width: imageSize.width)
        var solution: [Double] = []
        solution.reserveCapacity(mean.count)
        let (small, full) = (observationSize.count, imageSize.count)
        for plane in 0..<shape.planes {
            let observed = observation.values[plane * small..<(plane + 1) * small].map { Double($0) }
            solution += try body(observed, Array(mean[plane * full..<(plane + 1) * full]))
        }
        return solution
    }
}
