import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The noise levels ρ of the inner iterations, over a whole run of N·K iterations.
///
/// ρ is in the units of images in [-1, 1]: the σ of the timestep at which an iteration denoises, and δ = factor·ρ² its
/// proximal step.
public struct InnerNoiseLevels: Sendable, Hashable {
    /// ρ of the first iteration.
    public let first: Double
    /// ρ of the last iteration.
    public let last: Double

    /// Levels in geometric progression from `first` to `last`.
    /// - Throws: `UD2MError` with code `sampler-configuration` unless both are positive and at most 1000.
    public static func geometric(from first: Double, to last: Double) throws -> InnerNoiseLevels {
        guard first > 0, last > 0, first <= 1000, last <= 1000 else {
            throw UD2MError(
                .samplerConfiguration, "Inner noise levels must be positive and at most 1000, not \(first) to \(last).")
        }
        return InnerNoiseLevels(first: first, last: last)
    }

    init(first: Double, last: Double) {
        self.first = first
        self.last = last
    }

    /// ρ of iteration `index` of `count`; a single iteration has the first level.
    public func level(_ index: Int, of count: Int) -> Double {
        count <= 1 ? first : first * pow(last / first, Double(index) / Double(count - 1))
    }
}
