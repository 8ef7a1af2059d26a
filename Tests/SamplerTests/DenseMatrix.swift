import Foundation
import UD2MSampler

/// A dense matrix: the slow, independent way to apply an operator and solve its least-squares problem.
struct DenseMatrix {
    var rows: Int
    var columns: Int
    var values: [Double]

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        values = [Double](repeating: 0, count: rows * columns)
    }

    subscript(_ row: Int, _ column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// Circular convolution of one plane, written from its definition.
    static func blur(_ kernel: BlurKernel, height: Int, width: Int) -> DenseMatrix {
        var matrix = DenseMatrix(rows: height * width, columns: height * width)
        for row in 0..<height {
            for column in 0..<width {
                for i in 0..<kernel.rows {
                    for j in 0..<kernel.columns {
                        let sourceRow = (row - (i - kernel.rows / 2) + 100 * height) % height
                        let sourceColumn = (column - (j - kernel.columns / 2) + 100 * width) % width
                        matrix[row * width + column, sourceRow * width + sourceColumn] +=
                            kernel.weights[i * kernel.columns + j]
                    }
                }
            }
        }
        return matrix
    }

    /// Keeps the rows of every `factor`-th pixel of both axes.
    func decimated(factor: Int, height: Int, width: Int) -> DenseMatrix {
        let kept = stride(from: 0, to: height, by: factor).flatMap { row in
            stride(from: 0, to: width, by: factor).map { row * width + $0 }
        }
        var matrix = DenseMatrix(rows: kept.count, columns: columns)
        matrix.values = kept.flatMap { values[$0 * columns..<($0 + 1) * columns] }
        return matrix
    }

    /// The identity.
    static func identity(_ size: Int) -> DenseMatrix {
        var matrix = DenseMatrix(rows: size, columns: size)
        for index in 0..<size { matrix[index, index] = 1 }
        return matrix
    }

    /// Matrices of one width below each other.
    static func column(_ parts: [DenseMatrix]) -> DenseMatrix {
        var matrix = DenseMatrix(rows: parts.reduce(0) { $0 + $1.rows }, columns: parts[0].columns)
        matrix.values = parts.flatMap(\.values)
        return matrix
    }

    /// Every element times a number.
    func scaled(_ factor: Double) -> DenseMatrix {
        var matrix = self
        matrix.values = values.map { factor * $0 }
        return matrix
    }

    /// The chosen rows of the Hartley transform with the columns' signs, from the definition by cosine and sine.
    static func sensing(_ sensing: CompressedSensing) -> DenseMatrix {
        let (height, width) = (sensing.imageSize.height, sensing.imageSize.width)
        let count = height * width
        var matrix = DenseMatrix(rows: sensing.chosen.count, columns: count)
        for (row, frequency) in sensing.chosen.enumerated() {
            let (u, v) = (Double(frequency / width) / Double(height), Double(frequency % width) / Double(width))
            for pixel in 0..<count {
                let angle = 2 * Double.pi * (u * Double(pixel / width) + v * Double(pixel % width))
                let sign = sensing.signs[pixel] ? -1.0 : 1.0
                matrix[row, pixel] = sensing.scale * sign * (cos(angle) + sin(angle)) / Double(count).squareRoot()
            }
        }
        return matrix
    }

    /// The diagonal matrix of a mask.
    static func mask(_ mask: Mask) -> DenseMatrix {
        var matrix = DenseMatrix(rows: mask.kept.count, columns: mask.kept.count)
        for (index, isKept) in mask.kept.enumerated() { matrix[index, index] = isKept ? 1 : 0 }
        return matrix
    }

    func times(_ vector: [Double]) -> [Double] {
        (0..<rows).map { row in (0..<columns).reduce(0) { $0 + self[row, $1] * vector[$1] } }
    }

    func transposedTimes(_ vector: [Double]) -> [Double] {
        (0..<columns).map { column in (0..<rows).reduce(0) { $0 + self[$1, column] * vector[$1] } }
    }

    /// x with (a·AᵀA + b·I) x = right side, by Gaussian elimination with row pivoting.
    func solveNormalEquations(dataWeight a: Double, ridge b: Double, rightSide: [Double]) -> [Double] {
        var system = DenseMatrix(rows: columns, columns: columns)
        for row in 0..<columns {
            for column in 0..<columns {
                system[row, column] = a * (0..<rows).reduce(0) { $0 + self[$1, row] * self[$1, column] }
            }
            system[row, row] += b
        }
        var solution = rightSide
        for pivot in 0..<columns {
            let best = (pivot..<columns).max { abs(system[$0, pivot]) < abs(system[$1, pivot]) } ?? pivot
            for column in 0..<columns {
                (system[pivot, column], system[best, column]) = (system[best, column], system[pivot, column])
            }
            solution.swapAt(pivot, best)
            for row in pivot + 1..<max(columns, pivot + 1) {
                let factor = system[row, pivot] / system[pivot, pivot]
                for column in pivot..<columns { system[row, column] -= factor * system[pivot, column] }
                solution[row] -= factor * solution[pivot]
            }
        }
        for row in (0..<columns).reversed() {
            for column in row + 1..<max(columns, row + 1) { solution[row] -= system[row, column] * solution[column] }
            solution[row] /= system[row, row]
        }
        return solution
    }
}
