import Foundation
import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MTestSupport

/// The libraries' results against plain loops and known decompositions.
///
/// Old builds of OpenBLAS choose wrong kernels on processors they do not know, so sizes reach past the blocks of its
/// kernels. Tolerances are a hundred times the rounding of sums of this length.
@Suite struct LinearAlgebraTests {
    static func noise(_ key: String, _ rows: Int, _ columns: Int) throws -> Matrix {
        let values = PortableWeights.uniform(key, count: rows * columns).map(Double.init)
        return try Matrix(rows: rows, columns: columns, values: values)
    }

    /// The product by its definition.
    static func product(_ rows: Int, _ columns: Int, _ inner: Int, _ term: (Int, Int, Int) -> Double) -> [Double] {
        (0..<rows * columns).map { index in
            (0..<inner).reduce(0.0) { $0 + term(index / columns, index % columns, $1) }
        }
    }

    static func worst(_ a: [Double], _ b: [Double]) -> Double {
        guard a.count == b.count else { return .infinity }
        return zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
    }

    @Test(arguments: [(3, 4, 5), (65, 130, 257), (300, 1, 2)])
    func products(rows: Int, columns: Int, inner: Int) throws {
        for (isATransposed, isBTransposed) in [(false, false), (true, false), (false, true), (true, true)] {
            let a = try Self.noise("a", isATransposed ? inner : rows, isATransposed ? rows : inner)
            let b = try Self.noise("b", isBTransposed ? columns : inner, isBTransposed ? inner : columns)
            let found = try LinearAlgebra.product(
                a, b, transposingLeft: isATransposed, transposingRight: isBTransposed)
            let expected = Self.product(rows, columns, inner) { row, column, k in
                let left = isATransposed ? k * rows + row : row * inner + k
                let right = isBTransposed ? column * inner + k : k * columns + column
                return a.values[left] * b.values[right]
            }
            #expect((found.rows, found.columns) == (rows, columns))
            #expect(Self.worst(found.values, expected) < 1e-12)
        }
    }

    @Test func gramAddsToTheUpperTriangle() throws {
        let (count, side) = (37, 210)
        let rows = try Self.noise("rows", count, side)
        var sum = try Matrix(rows: side, columns: side, values: [Double](repeating: 2, count: side * side))
        try LinearAlgebra.addGram(of: rows.values, to: &sum)
        var worst = 0.0
        for i in 0..<side {
            for j in 0..<side {
                let gram = (0..<count).reduce(0.0) { $0 + rows.values[$1 * side + i] * rows.values[$1 * side + j] }
                worst = max(worst, (sum.values[i * side + j] - (i <= j ? 2 + gram : 2)).magnitude)
            }
        }
        #expect(worst < 1e-12)
    }

    /// A symmetric matrix with known eigenvalues: a diagonal one between two reflections.
    private func symmetric(_ eigenvalues: [Double]) throws -> Matrix {
        let n = eigenvalues.count
        let v = PortableWeights.uniform("reflection", count: n).map(Double.init)
        let square = v.reduce(0) { $0 + $1 * $1 }
        let reflection = (0..<n * n).map { index in
            (index / n == index % n ? 1 : 0) - 2 * v[index / n] * v[index % n] / square
        }
        let q = try Matrix(rows: n, columns: n, values: reflection)
        var scaled = q
        scaled.scaleRows(by: eigenvalues)
        return try LinearAlgebra.product(q, scaled)
    }

    @Test(arguments: [1, 2, 31, 260])
    func eigenvalues(n: Int) throws {
        let known = (0..<n).map { Double($0 - n / 3) * 0.25 }
        let matrix = try symmetric(known)
        let (values, vectors) = try LinearAlgebra.symmetricEigen(matrix)
        #expect(Self.worst(values, known) < 1e-10)
        let unit = try LinearAlgebra.product(vectors, vectors, transposingRight: true)
        let identity = (0..<n * n).map { $0 / n == $0 % n ? 1.0 : 0 }
        #expect(Self.worst(unit.values, identity) < 1e-12)
        var scaled = vectors
        scaled.scaleRows(by: values)
        let back = try LinearAlgebra.product(vectors, scaled, transposingLeft: true)
        #expect(Self.worst(back.values, matrix.values) < 1e-10)
    }

    @Test func singularValues() throws {
        let known = (0..<150).map { Double(150 - $0) }
        #expect(Self.worst(try LinearAlgebra.singularValues(try symmetric(known)), known) < 1e-10)
        // Of a rectangle: the roots of its Gram matrix's eigenvalues.
        let rectangle = try Self.noise("rectangle", 40, 90)
        let gram = try LinearAlgebra.product(rectangle, rectangle, transposingRight: true)
        let roots = try LinearAlgebra.symmetricEigen(gram).values.reversed().map { $0.squareRoot() }
        #expect(Self.worst(try LinearAlgebra.singularValues(rectangle), roots) < 1e-11)
    }

    @Test func resultsAreTheSameOnOneThread() throws {
        let matrix = try symmetric((0..<128).map { Double($0) })
        BLASThreads.set(1)
        defer { BLASThreads.set(0) }
        let values = try LinearAlgebra.symmetricEigen(matrix).values
        #expect(Self.worst(values, (0..<128).map { Double($0) }) < 1e-10)
    }

    @Test func unfitOperandsAreRefused() throws {
        func code(_ body: () throws -> Void) -> UD2MError.Code? {
            #expect(throws: UD2MError.self) { try body() }?.code
        }
        let wide = try Self.noise("wide", 2, 3)
        #expect(code { _ = try Matrix(rows: 2, columns: 2, values: [1]) } == .matrixShape)
        #expect(code { _ = try Matrix(rows: 0, columns: 2, values: []) } == .matrixShape)
        #expect(code { _ = try Matrix(rows: .max, columns: 2, values: []) } == .matrixShape)
        #expect(code { _ = try LinearAlgebra.product(wide, wide) } == .matrixShape)
        #expect(code { _ = try LinearAlgebra.symmetricEigen(wide) } == .matrixShape)
        var copy = wide
        #expect(code { try LinearAlgebra.addGram(of: [1, 2, 3], to: &copy) } == .matrixShape)
        let broken = try Matrix(rows: 2, columns: 2, values: [1, .nan, 0, 1])
        #expect(code { _ = try LinearAlgebra.symmetricEigen(broken) } == .matrixNotFinite)
        #expect(code { _ = try LinearAlgebra.singularValues(broken) } == .matrixNotFinite)
    }

    @Test("a system without the library gives an error with a remedy")
    func missingLibrary() {
        // The second exists and is no LAPACK.
        #expect {
            try LAPACKLibrary.load(["libud2m-no-such-library.so", "libz.so.1"])
        } throws: { error in
            (error as? UD2MError)?.code == .lapackMissing
        }
    }
}
