import UD2MFormats
import UD2MRuntime

/// Several observations of one image, each with its own noise.
///
/// Every part is divided by its noise, in units of the smallest: A is the column of (σ₀/σᵢ)·Aᵢ with σ₀ the smallest σᵢ.
/// The stack is then an operator like any other whose observation, made by ``stacked(_:)``, has noise σ₀ throughout, and
/// its least-squares problems weigh part i by 1/σᵢ². A plane of an observation is the parts' planes one after the other,
/// as a single row.
public struct StackedOperator: IterativeLinearOperator {
    /// The operators.
    public let parts: [any LinearForwardOperator]
    /// σᵢ, in [-1, 1] units.
    public let noiseLevels: [Double]
    /// When iterations stop.
    public let limits: IterationLimits

    /// Creates a stack.
    /// - Throws: `UD2MError` with code `operator-parameter` unless there are parts with one positive, finite noise level
    ///   each; `operator-shape` unless all take images of one size.
    public init(
        _ parts: [any LinearForwardOperator], noiseLevels: [Double], limits: IterationLimits
    ) throws {
        guard !parts.isEmpty, parts.count == noiseLevels.count, noiseLevels.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw UD2MError(
                .operatorParameter,
                "A stack needs operators and a positive noise level for each, not \(parts.count) with \(noiseLevels).")
        }
        guard parts.allSatisfy({ $0.imageSize == parts[0].imageSize }) else {
            throw UD2MError(.operatorShape, "The operators of a stack take images of different sizes.")
        }
        self.parts = parts
        self.noiseLevels = noiseLevels
        self.limits = limits
    }

    /// `"stacked"`.
    public var name: String { "stacked" }

    /// The parts' names.
    public var parameters: [OperatorParameter] {
        [OperatorParameter("parts", .text(parts.map(\.name).joined(separator: ", ")))]
    }

    /// σ₀, the noise of a stacked observation.
    public var noiseLevel: Double { noiseLevels.min() ?? 1 }

    /// The size of an image's planes.
    public var imageSize: PlaneSize { parts[0].imageSize }

    /// One row with all parts' pixels.
    public var observationSize: PlaneSize {
        PlaneSize(height: 1, width: parts.reduce(0) { $0 + $1.observationSize.count })
    }

    /// The parts' tables, and the vectors of conjugate gradients.
    public var memory: OperatorMemory {
        OperatorMemory(
            bytesPerPixel: parts.reduce(80) { $0 + $1.memory.bytesPerPixel }, bytesPerValue: 24)
    }

    /// σ₀/σᵢ.
    private var weights: [Double] { noiseLevels.map { noiseLevel / $0 } }

    /// The parts' planes, weighted.
    public func applied(to plane: [Double]) throws -> [Double] {
        var result: [Double] = []
        result.reserveCapacity(observationSize.count)
        for (part, weight) in zip(parts, weights) { result += try part.applied(to: plane).map { weight * $0 } }
        return result
    }

    /// The sum of the parts' transposes, weighted.
    public func transposed(of plane: [Double]) throws -> [Double] {
        var result = [Double](repeating: 0, count: imageSize.count)
        var start = 0
        for (part, weight) in zip(parts, weights) {
            let end = start + part.observationSize.count
            let back = try part.transposed(of: Array(plane[start..<end]))
            for index in result.indices { result[index] += weight * back[index] }
            start = end
        }
        return result
    }

    /// The stack's observation from the parts' own.
    /// - Parameter observations: yᵢ = Aᵢx + σᵢn, in the order of the parts.
    /// - Returns: One tensor [N, C, 1, all pixels], its noise σ₀.
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `observation`, when number or sizes do not fit.
    public func stacked(_ observations: [Tensor]) throws -> Tensor {
        let shapes = try observations.map { try ImageShape($0, name: "observation") }
        guard let first = shapes.first, shapes.count == parts.count,
            shapes.allSatisfy({ $0.images == first.images && $0.channels == first.channels })
        else {
            throw UD2MError(
                .operatorShape, "\(observations.count) observations do not fit a stack of \(parts.count) operators.",
                at: UD2MError.Location(tensor: "observation"))
        }
        for (shape, part) in zip(shapes, parts) {
            try shape.require(
                height: part.observationSize.height, width: part.observationSize.width, name: "observation")
        }
        var values: [Double] = []
        for plane in 0..<first.planes {
            for (index, weight) in weights.enumerated() {
                let size = parts[index].observationSize.count
                values += observations[index].values[plane * size..<(plane + 1) * size].map { weight * Double($0) }
            }
        }
        return try first.tensor(height: 1, width: observationSize.width, values)
    }
}
