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
    /// Numbers that differ; two NaNs count as equal.
    public private(set) var differingCount = 0
    /// Numbers that are NaN in one tensor only.
    public private(set) var nanMismatchCount = 0
    /// The largest distance; infinite where one number is and the other is not the same.
    public private(set) var maximumDistance = 0.0
    private var squaredDistance = 0.0
    private var squaredNorm = (0.0, 0.0)
    private var product = 0.0

    /// ‖a − b‖ / ‖a‖ over the finite numbers; infinite when only a is all zero.
    public var relativeL2: Double {
        if squaredDistance == 0 { return 0 }
        return (squaredDistance / squaredNorm.0).squareRoot()
    }

    /// a·b / (‖a‖ ‖b‖) over the finite numbers; nil when either is all zero and they differ.
    public var cosine: Double? {
        // Rounding must not make equal tensors less than parallel.
        if isIdentical || squaredDistance == 0 { return 1 }
        let norms = squaredNorm.0.squareRoot() * squaredNorm.1.squareRoot()
        guard norms > 0 else { return nil }
        return min(1, max(-1, product / norms))
    }

    /// Whether every number of one is within `tolerance` of the other's.
    public func isEqual(tolerance: Double) -> Bool {
        if isIdentical { return true }
        return isNumeric && nanMismatchCount == 0 && maximumDistance <= tolerance
    }

    /// Compares two tensors of one shape in bounded memory.
    /// - Throws: ``UD2MFormats/UD2MError`` from reading.
    public init(_ a: TensorSource, _ b: TensorSource) throws {
        let blocks = try zip(a.blocks(), b.blocks())
        if a.elementType == b.elementType, try blocks.allSatisfy({ try Self.haveSameBytes($0, $1) }) {
            isIdentical = true
            count = a.elementCount * (a.elementType.numbersPerElement ?? 1)
            return
        }
        guard let parts = a.elementType.numbersPerElement, parts == b.elementType.numbersPerElement else {
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

    private mutating func add(_ left: UnsafeBufferPointer<Double>, _ right: UnsafeBufferPointer<Double>) {
        count += left.count
        for (a, b) in zip(left, right) {
            let distance = a - b
            if distance.isFinite {
                if distance != 0 { differingCount += 1 }
                maximumDistance = max(maximumDistance, abs(distance))
                squaredDistance += distance * distance
                squaredNorm.0 += a * a
                squaredNorm.1 += b * b
                product += a * b
            } else if a != b, !(a.isNaN && b.isNaN) {
                differingCount += 1
                if a.isNaN || b.isNaN { nanMismatchCount += 1 } else { maximumDistance = .infinity }
            }
        }
    }
}
