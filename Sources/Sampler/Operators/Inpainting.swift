import UD2MFormats
import UD2MRuntime

/// Missing pixels: A multiplies by a mask of zeros and ones (`sampler.md` §8.2).
///
/// Values of an observation at missing pixels are ignored everywhere. This toolkit writes 0, the middle of [-1, 1];
/// the paper's code writes −1, and both can be read.
public struct Inpainting: LinearForwardOperator {
    /// Which pixels are observed.
    public let mask: Mask

    /// Creates the operator for images of the mask's size.
    public init(mask: Mask) {
        self.mask = mask
    }

    /// `"inpainting"`.
    public var name: String { "inpainting" }

    /// The mask's description.
    public var parameters: [OperatorParameter] { [OperatorParameter("mask", .text(mask.summary))] }

    /// The mask's size.
    public var imageSize: PlaneSize { PlaneSize(height: mask.height, width: mask.width) }

    /// The mask's size.
    public var observationSize: PlaneSize { imageSize }

    /// Sets missing pixels of one plane to zero.
    public func applied(to plane: [Double]) -> [Double] { zip(plane, mask.kept).map { $1 ? $0 : 0 } }

    /// Sets missing pixels of one plane to zero.
    public func transposed(of plane: [Double]) -> [Double] { applied(to: plane) }

    /// The observation with zeros at missing pixels, whatever the threshold.
    public func pseudoInverse(_ observation: Tensor, relativeThreshold: Double) throws -> Tensor {
        try requireThreshold(relativeThreshold)
        return try masked(observation, name: "observation")
    }

    /// Sets missing pixels to zero.
    public func apply(_ image: Tensor) throws -> Tensor {
        try masked(image, name: "image")
    }

    /// Sets missing pixels to zero: the mask is its own transpose.
    public func adjoint(_ observation: Tensor) throws -> Tensor {
        try masked(observation, name: "observation")
    }

    /// Sets missing pixels to zero.
    public func observed(_ observation: Tensor) throws -> Tensor {
        try masked(observation, name: "observation")
    }

    /// Sets missing pixels to zero, once.
    public func gram(_ image: Tensor) throws -> Tensor {
        try masked(image, name: "image")
    }

    /// The observation with zeros at missing pixels.
    public func initialEstimate(_ observation: Tensor) throws -> Tensor {
        try masked(observation, name: "observation")
    }

    /// x = (y + τm)/(1 + τ) where observed, m elsewhere.
    public func tikhonovSolution(observation: Tensor, mean: [Double], weight: Double) throws -> [Double] {
        let shape = try ImageShape(observation, name: "observation")
        try shape.require(height: mask.height, width: mask.width, name: "observation")
        try ProximalObjective.require(mean, images: shape, height: mask.height, width: mask.width)
        var solution = mean
        forEachObserved(in: shape) { index in
            solution[index] = (Double(observation.values[index]) + weight * mean[index]) / (1 + weight)
        }
        return solution
    }

    /// The image with its known pixels replaced by those of the observation.
    /// - Throws: `UD2MError` with code `operator-shape` unless both have the mask's size.
    func pasting(_ observation: Tensor, into image: Tensor) throws -> Tensor {
        let shape = try ImageShape(image, name: "image")
        try shape.require(height: mask.height, width: mask.width, name: "image")
        guard observation.shape == image.shape else {
            throw UD2MError(
                .operatorShape, "The image has shape \(image.shape), the observation \(observation.shape).",
                at: UD2MError.Location(tensor: "observation"))
        }
        var values = image.values
        forEachObserved(in: shape) { values[$0] = observation.values[$0] }
        return try Tensor(shape: image.shape, values: values)
    }

    private func masked(_ image: Tensor, name: String) throws -> Tensor {
        let shape = try ImageShape(image, name: name)
        try shape.require(height: mask.height, width: mask.width, name: name)
        var values = [Float](repeating: 0, count: image.values.count)
        forEachObserved(in: shape) { values[$0] = image.values[$0] }
        return try Tensor(shape: image.shape, values: values)
    }

    private func forEachObserved(in shape: ImageShape, _ body: (Int) -> Void) {
        for plane in 0..<shape.images * shape.channels {
            let start = plane * mask.kept.count
            for (pixel, isKept) in mask.kept.enumerated() where isKept { body(start + pixel) }
        }
    }
}
