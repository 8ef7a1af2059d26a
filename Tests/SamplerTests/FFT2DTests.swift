import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// The transform against its definition.
@Suite struct FFT2DTests {
    static let sizes = [(1, 1), (1, 5), (6, 8), (7, 13), (16, 1), (11, 9), (10, 12)]

    @Test(arguments: sizes) func matchesTheDefinition(rows: Int, columns: Int) throws {
        let image = try signal(count: rows * columns)
        var spectrum = image
        try FFT2D(rows: rows, columns: columns).forward(&spectrum)
        // Sums of at most 120 terms of size 3: double rounding stays below 1e-12.
        #expect(largestDifference(spectrum, definition(image, rows, columns)) < 1e-12)
    }

    @Test(arguments: sizes) func inverseUndoesForward(rows: Int, columns: Int) throws {
        let image = try signal(count: rows * columns)
        let fourier = try FFT2D(rows: rows, columns: columns)
        var copy = image
        try fourier.forward(&copy)
        try fourier.inverse(&copy)
        #expect(largestDifference(copy, image) < 1e-14)
    }

    @Test(arguments: [(0, 4), (4, 0), (-1, 4), (Int.max, Int.max)])
    func refusesImpossibleSizes(rows: Int, columns: Int) {
        #expect(thrownError { _ = try FFT2D(rows: rows, columns: columns) }?.code == .operatorShape)
    }

    @Test func refusesAnArrayOfAnotherSize() throws {
        let fourier = try FFT2D(rows: 2, columns: 3)
        var short = [Double](repeating: 0, count: 11)
        #expect(thrownError { try fourier.forward(&short) }?.code == .transformFailed)
    }

    @Test func oneTransformServesManyThreads() async throws {
        // 7 and 13 take the library's generic path, which has a scratch buffer.
        let fourier = try FFT2D(rows: 7, columns: 13)
        let image = try signal(count: 91)
        var expected = image
        try fourier.forward(&expected)
        let agreeing = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { [expected] in
                    for _ in 0..<50 {
                        var copy = image
                        try fourier.forward(&copy)
                        if copy != expected { return false }
                    }
                    return true
                }
            }
            return try await group.reduce(true) { $0 && $1 }
        }
        #expect(agreeing)
    }

    private func signal(count: Int) throws -> [Double] {
        try PhiloxNoise(seed: 3).normals(.observation, sample: 0, shape: [2 * count]).values.map { Double($0) }
    }

    private func definition(_ image: [Double], _ rows: Int, _ columns: Int) -> [Double] {
        var spectrum = [Double](repeating: 0, count: image.count)
        for u in 0..<rows {
            for v in 0..<columns {
                for row in 0..<rows {
                    for column in 0..<columns {
                        let turns =
                            Double(u * row % rows) / Double(rows) + Double(v * column % columns) / Double(columns)
                        let (c, s) = (cos(-2 * Double.pi * turns), sin(-2 * Double.pi * turns))
                        let (real, imaginary) = (
                            image[2 * (row * columns + column)], image[2 * (row * columns + column) + 1]
                        )
                        spectrum[2 * (u * columns + v)] += real * c - imaginary * s
                        spectrum[2 * (u * columns + v) + 1] += real * s + imaginary * c
                    }
                }
            }
        }
        return spectrum
    }
}
