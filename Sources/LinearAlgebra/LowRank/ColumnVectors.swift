import UD2MFormats

/// Vectors of one length, one after the other in double precision: the columns of a tall matrix, as LAPACK stores it.
struct ColumnVectors {
    /// The number of elements of each vector: the rows of the matrix.
    let length: Int
    /// The number of vectors: the columns of the matrix.
    let count: Int
    var values: [Double]

    init(length: Int, count: Int, values: [Double]) {
        self.length = length
        self.count = count
        self.values = values
    }

    init(zeros length: Int, _ count: Int) {
        self.init(length: length, count: count, values: [Double](repeating: 0, count: length * count))
    }

    /// The columns of the unit matrix.
    static func identity(_ count: Int) -> ColumnVectors {
        var result = ColumnVectors(zeros: count, count)
        for index in 0..<count { result.values[index * count + index] = 1 }
        return result
    }

    /// The rows of a row-major matrix, which are stored as vectors already.
    init(rowsOf elements: UnsafeBufferPointer<Float>, length: Int) {
        self.init(length: length, count: elements.count / max(length, 1), values: elements.map(Double.init))
    }

    /// The first vectors.
    func prefix(_ newCount: Int) -> ColumnVectors {
        ColumnVectors(length: length, count: newCount, values: Array(values.prefix(length * newCount)))
    }

    /// The transposed matrix.
    var transposed: ColumnVectors {
        var result = ColumnVectors(zeros: count, length)
        for vector in 0..<count {
            for element in 0..<length { result.values[element * count + vector] = values[vector * length + element] }
        }
        return result
    }

    /// The sum of the squares of the elements.
    var energy: Double { values.withUnsafeBufferPointer { sumOfSquares($0[...]) } }

    /// Multiplies each vector by its number.
    mutating func scale(by factors: [Double]) {
        for (vector, factor) in factors.prefix(count).enumerated() {
            for index in vector * length..<(vector + 1) * length { values[index] *= factor }
        }
    }

    /// The scalar products of these vectors with others of the same length: this matrix, transposed, times the other.
    func products(with other: ColumnVectors) throws(UD2MError) -> ColumnVectors {
        var result = ColumnVectors(zeros: count, other.count)
        guard count > 0, other.count > 0, length > 0 else { return result }
        let library = try LinearAlgebra.preparedLibrary()
        let (m, n, k) = ([Int32(count)], [Int32(other.count)], [Int32(length)])
        library.dgemm("T", "N", m, n, k, [1], values, k, other.values, k, [0], &result.values, m, 1, 1)
        return result
    }

    /// The product of this matrix with the transpose of another of as many columns.
    func product(withTransposed other: ColumnVectors) throws(UD2MError) -> ColumnVectors {
        var result = ColumnVectors(zeros: length, other.length)
        guard length > 0, other.length > 0, count > 0 else { return result }
        let library = try LinearAlgebra.preparedLibrary()
        let (m, n, k) = ([Int32(length)], [Int32(other.length)], [Int32(count)])
        library.dgemm("N", "T", m, n, k, [1], values, m, other.values, n, [0], &result.values, m, 1, 1)
        return result
    }
}
