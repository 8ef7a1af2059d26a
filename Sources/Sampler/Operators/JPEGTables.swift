import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The quantisation tables of a JPEG quality, as libjpeg computes them from those of the standard's Annex K.
public struct JPEGTables: Sendable, Hashable {
    /// 1 (small) to 100 (close).
    public let quality: Int
    /// Divisors of brightness coefficients, 8×8, row-major.
    public let luma: [Int]
    /// Divisors of colour coefficients, 8×8, row-major.
    public let chroma: [Int]

    /// Computes the tables.
    /// - Throws: `UD2MError` with code `operator-parameter` unless the quality is in 1 ... 100.
    public init(quality: Int) throws {
        guard (1...100).contains(quality) else {
            throw UD2MError(.operatorParameter, "A JPEG's quality is 1 to 100, not \(quality).")
        }
        self.quality = quality
        luma = Self.scaled(Self.standardLuma, quality)
        chroma = Self.scaled(Self.standardChroma, quality)
    }

    /// What compression changes in a photograph, as a standard deviation in [-1, 1] units: 0.15 at quality 5, 0.07 at 40.
    ///
    /// It is far above the noise that is added afterwards. Measured on four photographs (cat, astronaut, coffee and
    /// motorcycle of the demonstration set) at qualities 5 to 95, within a tenth, by the divisor of the mean brightness;
    /// what is left at quality 100 is the colours' half resolution.
    public var typicalError: Double { 0.025 * pow(Double(luma[0]), 0.35) }

    /// The variance of what noise does to coefficients that are rounded again, in [-1, 1] units: the mean over the divisors
    /// of brightness. Noise far below half a divisor vanishes; of strong noise all is left.
    /// - Parameter noiseLevel: σ of the noise in [-1, 1] units, positive.
    /// - Returns: The variance, in [-1, 1] units.
    public func survivingVariance(noiseLevel: Double) -> Double {
        let variances = luma.map { divisor in
            let step = Double(divisor) / 127.5
            // Σ k²·P(rounded to ±k steps), by parts; beyond eight deviations nothing is left.
            let last = Int(min(8 * noiseLevel / step + 1, 1e6))
            return (1...last).reduce(0.0) { sum, count in
                let edge = (Double(count) - 0.5) * step / (noiseLevel * 2.0.squareRoot())
                return sum + Double(2 * count - 1) * erfc(edge)
            } * step * step
        }
        return variances.reduce(0, +) / 64
    }

    /// Whole-number arithmetic throughout: the paper's code divides 5000 by the quality exactly, and so differs by one
    /// here and there.
    private static func scaled(_ table: [Int], _ quality: Int) -> [Int] {
        let scale = quality < 50 ? 5000 / quality : 200 - 2 * quality
        return table.map { min(max((scale * $0 + 50) / 100, 1), 255) }
    }

    private static let standardLuma = [
        16, 11, 10, 16, 24, 40, 51, 61,
        12, 12, 14, 19, 26, 58, 60, 55,
        14, 13, 16, 24, 40, 57, 69, 56,
        14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77,
        24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101,
        72, 92, 95, 98, 112, 100, 103, 99,
    ]

    private static let standardChroma = [
        17, 18, 24, 47, 99, 99, 99, 99,
        18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99,
        47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
    ]
}
