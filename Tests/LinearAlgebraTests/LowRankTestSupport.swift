import UD2MFormats
import UD2MLinearAlgebra
import UD2MTestSupport

/// Matrices to approximate, and what approximations are measured with: plain double arithmetic on the whole matrix.
enum LowRankCase {
    static func noise(_ key: String, _ rows: Int, _ columns: Int) throws -> FloatMatrix {
        try FloatMatrix(
            rows: rows, columns: columns, values: PortableWeights.uniform(key, count: rows * columns))
    }

    static func factored(_ key: String, _ rows: Int, _ columns: Int, _ rank: Int) throws -> FactoredMatrix {
        try FactoredMatrix(
            rows: rows, columns: columns, rank: rank,
            left: PortableWeights.uniform("\(key) left", count: rows * rank),
            right: PortableWeights.uniform("\(key) right", count: rank * columns))
    }

    /// A matrix whose singular values are near 0.8ⁱ: scaled outer products of random vectors of unit length.
    static func decaying(_ key: String, _ rows: Int, _ columns: Int) throws -> FloatMatrix {
        let rank = min(rows, columns, 40)
        let factors = try factored(key, rows, columns, rank)
        var right = factors.right
        for row in 0..<rank {
            var scale: Float = 12 / (Float(rows) * Float(columns)).squareRoot()
            for _ in 0..<row { scale *= 0.8 }
            for column in 0..<columns { right[row * columns + column] *= scale }
        }
        return try FactoredMatrix(rows: rows, columns: columns, rank: rank, left: factors.left, right: right).dense()
    }

    /// Shapes and ranks that follow no pattern, the same in every run; sides reach past what is decomposed in full.
    static let shapes: [(rows: Int, columns: Int, rank: Int)] = {
        let numbers = PortableWeights.uniform("shapes", count: 36).map { Double($0) + 0.5 }
        return (0..<12).map { index in
            let rows = 1 + Int(numbers[3 * index] * 140)
            let columns = 1 + Int(numbers[3 * index + 1] * 260)
            return (rows, columns, 1 + Int(numbers[3 * index + 2] * Double(min(rows, columns, 12) - 1)))
        }
    }()

    static func wide(_ matrix: FloatMatrix) throws -> Matrix {
        try Matrix(rows: matrix.rows, columns: matrix.columns, values: matrix.values.map(Double.init))
    }

    /// The product of factors in double precision.
    static func wide(_ factors: FactoredMatrix) throws -> Matrix {
        guard factors.rank > 0 else {
            return try Matrix(
                rows: factors.rows, columns: factors.columns,
                values: [Double](repeating: 0, count: factors.rows * factors.columns))
        }
        return try LinearAlgebra.product(
            try Matrix(rows: factors.rows, columns: factors.rank, values: factors.left.map(Double.init)),
            try Matrix(rows: factors.rank, columns: factors.columns, values: factors.right.map(Double.init)))
    }

    static func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    static func distance(_ a: Matrix, _ b: Matrix) -> Double {
        guard a.rows == b.rows, a.columns == b.columns else { return .infinity }
        return norm(zip(a.values, b.values).map { $0 - $1 })
    }

    /// The error of the best approximation of a rank.
    static func bestError(_ matrix: Matrix, rank: Int) throws -> Double {
        norm(Array(try LinearAlgebra.singularValues(matrix).dropFirst(rank)))
    }

    static func code(_ body: () throws -> Void) -> UD2MError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? UD2MError)?.code
        }
    }
}
