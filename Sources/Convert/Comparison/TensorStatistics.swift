import UD2MFormats

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

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
    /// The moments are over numbers times 2 to the opposite of this, so that squares of huge ones do not overflow.
    private var scaleExponent = NumberScale.smallest
    private var scaledMean = 0.0
    /// The sum of squared distances from the mean.
    private var scaledSquares = 0.0

    /// The smallest finite number, or nil without any.
    public var minimum: Double? { finiteCount > 0 ? smallest : nil }
    /// The largest finite number, or nil without any.
    public var maximum: Double? { finiteCount > 0 ? largest : nil }
    /// The extremes to the last digit where they are 64-bit integers; nil for other types and without any number.
    public private(set) var integerExtremes: ClosedRange<Int128>?
    /// The mean of the finite numbers, or nil without any.
    public var mean: Double? {
        // Rounding must not carry it past the extremes, which may be the largest finite numbers.
        finiteCount > 0 ? min(max(scalbn(scaledMean, Int32(scaleExponent)), smallest), largest) : nil
    }
    /// Their standard deviation, divisor n, or nil without any.
    public var standardDeviation: Double? {
        guard finiteCount > 0 else { return nil }
        let deviation = scalbn((scaledSquares / Double(finiteCount)).squareRoot(), Int32(scaleExponent))
        // Never more than half the range, which is finite where the range is not.
        return min(deviation, largest / 2 - smallest / 2)
    }

    /// Reads a tensor; nil for elements that are no numbers to us.
    /// - Throws: ``UD2MFormats/UD2MError`` from reading.
    public init?(of tensor: TensorSource) throws {
        guard tensor.numberForm != nil else { return nil }
        guard try tensor.storage.keepingBytes({ try addBlocks(of: tensor) }) else { return nil }
    }

    /// Adds all numbers; false for elements that are no numbers to us.
    private mutating func addBlocks(of tensor: TensorSource) throws -> Bool {
        var reader = TensorReader()
        for block in try tensor.blocks() {
            guard let numbers = try reader.numbers(of: block) else { return false }
            add(numbers.nearest)
            if let remainders = numbers.remainders { add(integers: numbers.nearest, remainders) }
        }
        return true
    }

    /// Adds a block: its own mean first, then the squares about it, merged as Chan, Golub and LeVeque do.
    private mutating func add(_ numbers: UnsafeBufferPointer<Double>) {
        var finite = 0
        for value in numbers {
            if value.isFinite {
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
        let scale = rescale(to: max(abs(smallest), abs(largest)))
        var sum = 0.0
        for value in numbers where value.isFinite { sum += value * scale }
        let mean = sum / Double(finite)
        var squares = 0.0
        for value in numbers where value.isFinite { squares += (value * scale - mean) * (value * scale - mean) }
        let total = Double(finiteCount + finite)
        let shift = mean - scaledMean
        scaledSquares += squares + shift * shift * Double(finiteCount) * Double(finite) / total
        scaledMean += shift * Double(finite) / total
        finiteCount += finite
    }

    /// Extends the exact extremes by a block of 64-bit integers.
    private mutating func add(
        integers nearest: UnsafeBufferPointer<Double>, _ remainders: UnsafeBufferPointer<Double>
    ) {
        for (value, remainder) in zip(nearest, remainders) {
            let integer = Int128(value) + Int128(remainder)
            let extremes = integerExtremes ?? integer...integer
            integerExtremes = min(extremes.lowerBound, integer)...max(extremes.upperBound, integer)
        }
    }

    /// Brings the moments to the scale of numbers of at most this magnitude, and gives the factor of that scale.
    private mutating func rescale(to largest: Double) -> Double {
        let scale = NumberScale(largest: largest)
        let step = Int32(scaleExponent - scale.exponent)
        scaledMean = scalbn(scaledMean, step)
        scaledSquares = scalbn(scaledSquares, 2 * step)
        scaleExponent = scale.exponent
        return scale.factor
    }
}
