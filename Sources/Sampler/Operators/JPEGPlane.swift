#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One plane of numbers on its way through the stages of a JPEG codec (`sampler.md` §8.4).
struct JPEGPlane: Sendable {
    var height: Int
    var width: Int
    var values: [Double]

    /// Zeros.
    init(height: Int, width: Int) {
        self.init(height: height, width: width, values: [Double](repeating: 0, count: height * width))
    }

    init(height: Int, width: Int, values: [Double]) {
        self.height = height
        self.width = width
        self.values = values
    }

    /// The plane enlarged to the right and below by repeating its last column and row.
    func extended(height newHeight: Int, width newWidth: Int) -> JPEGPlane {
        var result = JPEGPlane(height: newHeight, width: newWidth)
        for row in 0..<newHeight {
            let source = min(row, height - 1) * width
            for column in 0..<newWidth {
                result.values[row * newWidth + column] = values[source + min(column, width - 1)]
            }
        }
        return result
    }

    /// The transpose of ``extended(height:width:)``: what lies outside is added to the last column and row.
    func folded(height newHeight: Int, width newWidth: Int) -> JPEGPlane {
        var result = JPEGPlane(height: newHeight, width: newWidth)
        for row in 0..<height {
            let target = min(row, newHeight - 1) * newWidth
            for column in 0..<width {
                result.values[target + min(column, newWidth - 1)] += values[row * width + column]
            }
        }
        return result
    }

    /// The top left part.
    func cropped(height newHeight: Int, width newWidth: Int) -> JPEGPlane {
        var result = JPEGPlane(height: newHeight, width: newWidth)
        for row in 0..<newHeight {
            for column in 0..<newWidth {
                result.values[row * newWidth + column] = values[row * width + column]
            }
        }
        return result
    }

    /// The transpose of ``cropped(height:width:)``: zeros outside.
    func zeroExtended(height newHeight: Int, width newWidth: Int) -> JPEGPlane {
        var result = JPEGPlane(height: newHeight, width: newWidth)
        for row in 0..<height {
            for column in 0..<width {
                result.values[row * newWidth + column] = values[row * width + column]
            }
        }
        return result
    }

    /// The top left pixel of every 2×2.
    func halved() -> JPEGPlane {
        var result = JPEGPlane(height: height / 2, width: width / 2)
        for row in 0..<result.height {
            for column in 0..<result.width {
                result.values[row * result.width + column] = values[2 * row * width + 2 * column]
            }
        }
        return result
    }

    /// The transpose of ``halved()``: zeros between the pixels.
    func spread() -> JPEGPlane {
        var result = JPEGPlane(height: 2 * height, width: 2 * width)
        for row in 0..<height {
            for column in 0..<width {
                result.values[2 * row * result.width + 2 * column] = values[row * width + column]
            }
        }
        return result
    }

    /// Every pixel as 2×2.
    func doubled() -> JPEGPlane {
        var result = JPEGPlane(height: 2 * height, width: 2 * width)
        for row in 0..<result.height {
            for column in 0..<result.width {
                result.values[row * result.width + column] = values[row / 2 * width + column / 2]
            }
        }
        return result
    }

    /// The transpose of ``doubled()``: sums of 2×2.
    func summed() -> JPEGPlane {
        var result = JPEGPlane(height: height / 2, width: width / 2)
        for row in 0..<height {
            for column in 0..<width {
                result.values[row / 2 * result.width + column / 2] += values[row * width + column]
            }
        }
        return result
    }
}

extension JPEGPlane {
    /// C[frequency·8 + position] of the orthonormal cosine transform of 8 numbers.
    private static let cosines: [Double] = (0..<64).map { index in
        let (frequency, position) = (Double(index / 8), Double(index % 8))
        return (frequency == 0 ? 0.125.squareRoot() : 0.5) * cos((2 * position + 1) * frequency * .pi / 16)
    }

    /// The plane with every 8×8 block transformed to coefficients, rounded to multiples of `table` and transformed back;
    /// both sides are multiples of 8.
    func quantised(by table: [Int]) -> JPEGPlane {
        var result = self
        for top in stride(from: 0, to: height, by: 8) {
            for left in stride(from: 0, to: width, by: 8) {
                let start = top * width + left
                let block = (0..<64).map { values[start + $0 / 8 * width + $0 % 8] }
                let coefficients = zip(Self.transformed(block, inverse: false), table).map { value, divisor in
                    (value / Double(divisor)).rounded(.toNearestOrEven) * Double(divisor)
                }
                let restored = Self.transformed(coefficients, inverse: true)
                for index in 0..<64 { result.values[start + index / 8 * width + index % 8] = restored[index] }
            }
        }
        return result
    }

    /// C·B·Cᵀ, or Cᵀ·B·C.
    private static func transformed(_ block: [Double], inverse: Bool) -> [Double] {
        func coefficient(_ row: Int, _ column: Int) -> Double { cosines[inverse ? column * 8 + row : row * 8 + column] }
        var half = [Double](repeating: 0, count: 64)
        for row in 0..<8 {
            for inner in 0..<8 {
                let factor = coefficient(row, inner)
                for column in 0..<8 { half[row * 8 + column] += factor * block[inner * 8 + column] }
            }
        }
        var result = [Double](repeating: 0, count: 64)
        for row in 0..<8 {
            for column in 0..<8 {
                var sum = 0.0
                for inner in 0..<8 { sum += half[row * 8 + inner] * coefficient(column, inner) }
                result[row * 8 + column] = sum
            }
        }
        return result
    }
}
