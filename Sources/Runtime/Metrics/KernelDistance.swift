import UD2MFormats
import UD2MLinearAlgebra

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The kernel distance of two sets of feature vectors, which on Inception features is KID (Bińkowski et al. 2018).
///
/// The kernel is `(x·y/d + 1)³`. Each subset's value is the unbiased estimate of the squared maximum mean discrepancy;
/// the result is their mean and population deviation, as torchmetrics and torch-fidelity give them.
public struct KernelDistance: Sendable, Hashable {
    /// The number of random subsets, at least 1.
    public var subsets: Int
    /// The vectors of a subset, drawn from each set without repetition; at least 2.
    public var subsetSize: Int
    /// Where the random choice starts; the same seed gives the same result.
    public var seed: UInt64

    /// A result.
    public struct Value: Sendable, Hashable {
        /// The mean over subsets; may be slightly negative, because it is unbiased.
        public let mean: Double
        /// The population deviation over subsets.
        public let deviation: Double
    }

    /// Creates the metric with torchmetrics' settings, or others.
    public init(subsets: Int = 100, subsetSize: Int = 1000, seed: UInt64 = 0) {
        self.subsets = subsets
        self.subsetSize = subsetSize
        self.seed = seed
    }

    /// The distance of two sets.
    ///
    /// When a subset holds both sets whole, every subset is the same and it is computed once; the deviation is then zero.
    /// - Parameters:
    ///   - a: the features of one set, [N, d].
    ///   - b: the features of the other, [M, d].
    /// - Returns: The mean and the deviation over the subsets.
    /// - Throws: ``UD2MFormats/UD2MError``: `feature-count` when lengths differ or a set is smaller than a subset,
    ///   `feature-not-finite`, `input-range` for settings that make no sense.
    public func distance(_ a: Tensor, _ b: Tensor) throws -> Value {
        let (left, right) = try (Features(a), Features(b))
        guard left.length == right.length, min(left.count, right.count) >= subsetSize else {
            throw UD2MError(
                .featureCount,
                "Features of shapes \(a.shape) and \(b.shape) have no subsets of \(subsetSize) in common.")
        }
        guard subsets >= 1, subsetSize >= 2 else {
            throw UD2MError(.inputRange, "\(subsets) subsets of \(subsetSize) vectors are no estimate.")
        }
        let isWhole = left.count == subsetSize && right.count == subsetSize
        var random = SubsetGenerator(seed: seed)
        let values = try (0..<(isWhole ? 1 : subsets)).map { _ in
            try Self.discrepancy(
                left.subset(random.choose(subsetSize, of: left.count)),
                right.subset(random.choose(subsetSize, of: right.count)))
        }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        return Value(mean: mean, deviation: variance.squareRoot())
    }

    /// The unbiased estimate of the squared maximum mean discrepancy between two whole sets, which may differ in size.
    /// - Throws: as ``distance(_:_:)``; each set needs two vectors.
    public static func discrepancy(_ a: Tensor, _ b: Tensor) throws -> Double {
        let (left, right) = try (Features(a), Features(b))
        guard left.length == right.length, min(left.count, right.count) >= 2 else {
            throw UD2MError(.featureCount, "Features of shapes \(a.shape) and \(b.shape) cannot be compared.")
        }
        return try discrepancy(left.subset(0..<left.count), right.subset(0..<right.count))
    }

    private static func discrepancy(_ a: Matrix, _ b: Matrix) throws -> Double {
        let (m, n) = (Double(a.rows), Double(b.rows))
        let within = try (kernelSum(a, a, skipsDiagonal: true), kernelSum(b, b, skipsDiagonal: true))
        let between = try kernelSum(a, b, skipsDiagonal: false)
        return within.0 / (m * (m - 1)) + within.1 / (n * (n - 1)) - 2 * between / (m * n)
    }

    /// The sum of the kernel over all pairs, or over those of different indices.
    private static func kernelSum(_ a: Matrix, _ b: Matrix, skipsDiagonal: Bool) throws -> Double {
        let products = try LinearAlgebra.product(a, b, transposingRight: true)
        let scale = 1 / Double(a.columns)
        var sum = 0.0
        for row in 0..<products.rows {
            // Row by row, so that sums of millions of terms stay accurate.
            var rowSum = 0.0
            for column in 0..<products.columns where !(skipsDiagonal && row == column) {
                let base: Double = products.values[row * products.columns + column] * scale + 1
                rowSum += base * base * base
            }
            sum += rowSum
        }
        return sum
    }

    /// A checked set of vectors.
    private struct Features {
        let count: Int
        let length: Int
        let values: [Float]

        init(_ tensor: Tensor) throws {
            guard let count = tensor.shape.first, count > 0, !tensor.values.isEmpty else {
                throw UD2MError(.featureCount, "Features of shape \(tensor.shape) are no vectors.")
            }
            guard tensor.values.allSatisfy(\.isFinite) else {
                throw UD2MError(.featureNotFinite, "A feature is not a finite number.")
            }
            self.count = count
            length = tensor.values.count / count
            values = tensor.values
        }

        func subset(_ rows: some Collection<Int>) throws -> Matrix {
            var chosen: [Double] = []
            chosen.reserveCapacity(rows.count * length)
            for row in rows {
                chosen.append(contentsOf: values[row * length..<(row + 1) * length].lazy.map(Double.init))
            }
            return try Matrix(rows: rows.count, columns: length, values: chosen)
        }
    }
}

/// Random subsets, the same on every machine (splitmix64).
private struct SubsetGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// `size` different numbers of `0..<count`, by a shuffle that stops when it has them.
    mutating func choose(_ size: Int, of count: Int) -> ArraySlice<Int> {
        var numbers = Array(0..<count)
        for index in 0..<min(size, count) {
            numbers.swapAt(index, index + Int(next().multipliedFullWidth(by: UInt64(count - index)).high))
        }
        return numbers.prefix(size)
    }

    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
