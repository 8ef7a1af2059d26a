import UD2MFormats

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// How two tensors of one shape differ, accumulated in double precision.
public struct TensorDifference: Sendable {
    /// Whether types and bytes are the same.
    public private(set) var isIdentical = false
    /// Whether the elements could be compared as numbers; else only their bytes were.
    public private(set) var isNumeric = true
    /// Numbers compared.
    public private(set) var count = 0
    /// Numbers that differ, 64-bit integers to the last bit; two NaNs, and zeros of either sign, count as equal.
    public private(set) var differingCount = 0
    /// Numbers that are NaN in one tensor only.
    public private(set) var nanMismatchCount = 0
    /// The largest distance; infinite where one number is and the other is not the same.
    public private(set) var maximumDistance = 0.0
    /// Whether such a pair was seen.
    private var hasInfiniteDistance = false
    private var squaredDistance = ScaledSum()
    private var squaredNorm = (ScaledSum(), ScaledSum())
    private var product = ScaledSum()

    /// ‖a − b‖ / ‖a‖ over the finite numbers; infinite when only a is all zero, or an infinity has no equal.
    public var relativeL2: Double {
        if hasInfiniteDistance { return .infinity }
        if squaredDistance.scaled == 0 { return 0 }
        // The exponents of squares are even.
        let exponent = (squaredDistance.exponent - squaredNorm.0.exponent) / 2
        return scalbn((squaredDistance.scaled / squaredNorm.0.scaled).squareRoot(), Int32(exponent))
    }

    /// a·b / (‖a‖ ‖b‖) over the finite numbers; nil when either is all zero and they differ, or an infinity has no equal.
    public var cosine: Double? {
        if hasInfiniteDistance { return nil }
        // Rounding must not make equal tensors less than parallel.
        if isIdentical || squaredDistance.scaled == 0 { return 1 }
        let norms = squaredNorm.0.scaled.squareRoot() * squaredNorm.1.scaled.squareRoot()
        guard norms > 0 else { return nil }
        let exponent = product.exponent - (squaredNorm.0.exponent + squaredNorm.1.exponent) / 2
        return min(1, max(-1, scalbn(product.scaled / norms, Int32(exponent))))
    }

    /// Whether every number of one is within `tolerance` of the other's.
    public func isEqual(tolerance: Double) -> Bool {
        if isIdentical { return true }
        return isNumeric && nanMismatchCount == 0 && maximumDistance <= tolerance
    }

    /// Compares two tensors of one shape in bounded memory.
    /// - Throws: ``UD2MFormats/UD2MError`` from reading.
    public init(_ a: TensorSource, _ b: TensorSource) throws {
        try a.storage.keepingBytes { try b.storage.keepingBytes { try compare(a, b) } }
    }

    private mutating func compare(_ a: TensorSource, _ b: TensorSource) throws {
        let blocks = try zip(a.blocks(), b.blocks())
        if a.elementType == b.elementType, a.interpretation == b.interpretation,
            try blocks.allSatisfy({ try Self.haveSameBytes($0, $1) })
        {
            isIdentical = true
            count = a.elementCount * (a.numberForm?.perElement ?? 1)
            return
        }
        // Integers that stand for other numbers cannot be compared as they are stored, nor can blocks be read in step
        // where only one tensor is packed.
        guard let parts = a.numberForm?.perElement, parts == b.numberForm?.perElement,
            a.quantisation == b.quantisation,
            (a.elementType.byteWidth == nil) == (b.elementType.byteWidth == nil)
        else {
            isNumeric = false
            return
        }
        var readerA = TensorReader()
        var readerB = TensorReader()
        for (blockA, blockB) in blocks {
            guard let left = try readerA.numbers(of: blockA), let right = try readerB.numbers(of: blockB) else {
                isNumeric = false
                return
            }
            add(left, right)
        }
    }

    private static func haveSameBytes(_ a: TensorSource, _ b: TensorSource) throws -> Bool {
        try a.withContiguousBytes { left in
            try b.withContiguousBytes { right in
                guard left.count == right.count else { return false }
                guard let first = left.baseAddress, let second = right.baseAddress else { return true }
                return memcmp(first, second, left.count) == 0
            }
        }
    }

    private mutating func add(_ left: TensorReader.Numbers, _ right: TensorReader.Numbers) {
        let (a, b) = (left.nearest, right.nearest)
        var largest = (a: 0.0, b: 0.0, distance: 0.0)
        count += a.count
        for index in a.indices {
            if a[index].isFinite, b[index].isFinite {
                let distance = abs(Self.distance(left, right, at: index))
                if distance != 0 { differingCount += 1 }
                maximumDistance = max(maximumDistance, distance)
                largest.a = max(largest.a, abs(a[index]))
                largest.b = max(largest.b, abs(b[index]))
                largest.distance = max(largest.distance, distance)
            } else if a[index] != b[index], !(a[index].isNaN && b[index].isNaN) {
                differingCount += 1
                if a[index].isNaN || b[index].isNaN {
                    nanMismatchCount += 1
                } else {
                    maximumDistance = .infinity
                    hasInfiniteDistance = true
                }
            }
        }
        addSquares(
            left, right, (.init(largest: largest.a), .init(largest: largest.b)), .init(largest: largest.distance))
    }

    /// Adds the squares and products of a block, each scaled to its own largest number.
    private mutating func addSquares(
        _ left: TensorReader.Numbers, _ right: TensorReader.Numbers, _ scale: (a: NumberScale, b: NumberScale),
        _ distanceScale: NumberScale
    ) {
        var sums = (a: 0.0, b: 0.0, product: 0.0, distance: 0.0)
        for (index, pair) in zip(left.nearest, right.nearest).enumerated() where pair.0.isFinite && pair.1.isFinite {
            let (a, b) = (pair.0 * scale.a.factor, pair.1 * scale.b.factor)
            let distance = Self.distance(left, right, at: index)
            // The distance of two finite numbers may be beyond any.
            let scaled =
                distance.isFinite
                ? distance * distanceScale.factor : (pair.0 * distanceScale.factor - pair.1 * distanceScale.factor)
            sums.a += a * a
            sums.b += b * b
            sums.product += a * b
            sums.distance += scaled * scaled
        }
        squaredNorm.0.add(sums.a, exponent: 2 * scale.a.exponent)
        squaredNorm.1.add(sums.b, exponent: 2 * scale.b.exponent)
        product.add(sums.product, exponent: scale.a.exponent + scale.b.exponent)
        squaredDistance.add(sums.distance, exponent: 2 * distanceScale.exponent)
    }

    /// a − b, which is zero only for equal numbers: where the nearest doubles of two integers are far apart, what they
    /// lack is far less, and where they are not, their difference is exact.
    private static func distance(
        _ left: TensorReader.Numbers, _ right: TensorReader.Numbers, at index: Int
    ) -> Double {
        let distance = left.nearest[index] - right.nearest[index]
        guard left.remainders != nil || right.remainders != nil else { return distance }
        return distance + ((left.remainders?[index] ?? 0) - (right.remainders?[index] ?? 0))
    }
}
