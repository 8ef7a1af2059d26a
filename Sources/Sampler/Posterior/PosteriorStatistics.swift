import UD2MFormats
import UD2MRuntime

/// What posterior samples say together, pixel by pixel, collected while they are drawn.
///
/// Mean and standard deviation take 16 bytes a value however many samples there are (Welford's method, in double
/// precision); quantiles and coverage need the samples themselves, 4 bytes a value and sample.
public struct PosteriorStatistics: Sendable {
    /// The shape of every sample.
    public let shape: [Int]
    /// How many samples were added.
    public private(set) var count = 0
    /// The sample added last; nil before the first.
    public private(set) var last: Tensor?
    private var means: [Double]
    private var squares: [Double]
    private let keepsSamples: Bool
    private var samples: [Tensor] = []

    /// Creates empty statistics.
    /// - Parameters:
    ///   - shape: The shape of every sample.
    ///   - keepsSamples: Whether quantiles and coverage will be asked for.
    /// - Throws: `UD2MError` with code `operator-shape` for what is no shape.
    public init(shape: [Int], keepsSamples: Bool = false) throws {
        guard let count = Tensor.elementCount(shape) else {
            throw UD2MError(.operatorShape, "\(shape) is not the shape of images.")
        }
        self.shape = shape
        self.keepsSamples = keepsSamples
        means = [Double](repeating: 0, count: count)
        squares = means
    }

    /// Adds a sample.
    /// - Throws: `UD2MError` with code `operator-shape` for another shape.
    public mutating func add(_ sample: Tensor) throws {
        guard sample.shape == shape else {
            throw UD2MError(.operatorShape, "A sample has shape \(sample.shape), the others \(shape).")
        }
        count += 1
        let share = 1 / Double(count)
        for (index, value) in sample.values.enumerated() {
            let difference = Double(value) - means[index]
            means[index] += difference * share
            squares[index] += difference * (Double(value) - means[index])
        }
        last = sample
        if keepsSamples { samples.append(sample) }
    }

    /// The mean, which minimises the expected squared error.
    /// - Throws: `UD2MError` with code `sampler-configuration` before the first sample.
    public func mean() throws -> Tensor {
        try requireSamples(1)
        return try Tensor(shape: shape, values: means.map { Float($0) })
    }

    /// The standard deviation with n − 1 in the denominator; zero for a single sample.
    /// - Throws: `UD2MError` with code `sampler-configuration` before the first sample.
    public func standardDeviation() throws -> Tensor {
        try requireSamples(1)
        let share = 1 / Double(max(count - 1, 1))
        return try Tensor(shape: shape, values: squares.map { Float(($0 * share).squareRoot()) })
    }

    /// A quantile of every value, interpolated linearly between samples as NumPy does.
    /// - Parameter probability: From 0, the smallest, to 1, the largest.
    /// - Returns: A tensor of the samples' shape.
    /// - Throws: `UD2MError` with code `sampler-configuration` for a probability out of range, before the first sample, or
    ///   when samples are not kept.
    public func quantile(_ probability: Double) throws -> Tensor {
        guard (0...1).contains(probability) else {
            throw UD2MError(.samplerConfiguration, "A quantile lies between 0 and 1, not at \(probability).")
        }
        guard keepsSamples else {
            throw UD2MError(.samplerConfiguration, "Quantiles need samples that are kept.")
        }
        try requireSamples(1)
        let position = probability * Double(count - 1)
        let lower = Int(position.rounded(.down))
        let upper = min(lower + 1, count - 1)
        let share = Float(position - Double(lower))
        var values: [Float] = []
        values.reserveCapacity(means.count)
        var line = [Float](repeating: 0, count: count)
        for index in means.indices {
            for (sample, tensor) in samples.enumerated() { line[sample] = tensor.values[index] }
            line.sort()
            values.append(line[lower] + share * (line[upper] - line[lower]))
        }
        return try Tensor(shape: shape, values: values)
    }

    /// Which of a reference's values lie in the central interval of the samples at their pixel. Their share is near `level`
    /// when the spread of the samples is right, as far as there are enough of them.
    /// - Parameters:
    ///   - reference: The true image.
    ///   - level: The interval's probability, such as 0.9 for the quantiles 0.05 and 0.95.
    /// - Returns: One truth value for each of the reference's.
    /// - Throws: As ``quantile(_:)``, and `operator-shape` for a reference of another shape.
    public func covers(_ reference: Tensor, level: Double) throws -> [Bool] {
        guard reference.shape == shape else {
            throw UD2MError(.operatorShape, "The reference has shape \(reference.shape), the samples \(shape).")
        }
        let low = try quantile((1 - level) / 2)
        let high = try quantile((1 + level) / 2)
        return reference.values.indices.map { index in
            low.values[index] <= reference.values[index] && reference.values[index] <= high.values[index]
        }
    }

    private func requireSamples(_ least: Int) throws {
        guard count >= least else { throw UD2MError(.samplerConfiguration, "There are no samples.") }
    }
}
