import UD2MFormats

/// What the numbers of a tensor are like, accumulated in double precision.
///
/// Real and imaginary parts of complex elements count as numbers of their own.
public struct TensorStatistics: Sendable {
    /// Numbers in all.
    public private(set) var count = 0
    /// Numbers that are neither NaN nor infinite; the moments and extremes are over these.
    public private(set) var finiteCount = 0
    /// NaNs.
    public private(set) var nanCount = 0
    /// Infinities of either sign.
    public private(set) var infinityCount = 0
    /// Zeros of either sign.
    public private(set) var zeroCount = 0
    private var smallest = Double.infinity
    private var largest = -Double.infinity
    private var runningMean = 0.0
    /// The sum of squared distances from the mean.
    private var squares = 0.0

    /// The smallest finite number, or nil without any.
    public var minimum: Double? { finiteCount > 0 ? smallest : nil }
    /// The largest finite number, or nil without any.
    public var maximum: Double? { finiteCount > 0 ? largest : nil }
    /// The mean of the finite numbers, or nil without any.
    public var mean: Double? { finiteCount > 0 ? runningMean : nil }
    /// Their standard deviation, divisor n, or nil without any.
    public var standardDeviation: Double? {
        finiteCount > 0 ? (squares / Double(finiteCount)).squareRoot() : nil
    }

    /// Reads a tensor; nil for element types that are no numbers to us.
    /// - Throws: ``UD2MFormats/UD2MError`` from reading.
    public init?(of tensor: TensorSource) throws {
        guard tensor.elementType.numbersPerElement != nil else { return nil }
        var reader = TensorReader()
        for block in try tensor.blocks() {
            guard let numbers = try reader.numbers(of: block) else { return nil }
            add(numbers)
        }
    }

    /// Adds a block: its own mean first, then the squares about it, merged as Chan, Golub and LeVeque do.
    private mutating func add(_ numbers: UnsafeBufferPointer<Double>) {
        var sum = 0.0
        var finite = 0
        for value in numbers {
            if value.isFinite {
                sum += value
                finite += 1
                smallest = min(smallest, value)
                largest = max(largest, value)
                if value == 0 { zeroCount += 1 }
            } else if value.isNaN {
                nanCount += 1
            } else {
                infinityCount += 1
            }
        }
        count += numbers.count
        guard finite > 0 else { return }
        let mean = sum / Double(finite)
        var blockSquares = 0.0
        for value in numbers where value.isFinite { blockSquares += (value - mean) * (value - mean) }
        let total = Double(finiteCount + finite)
        let shift = mean - runningMean
        squares += blockSquares + shift * shift * Double(finiteCount) * Double(finite) / total
        runningMean += shift * Double(finite) / total
        finiteCount += finite
    }
}
