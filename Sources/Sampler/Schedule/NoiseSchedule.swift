import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A variance-preserving noise schedule: xₜ = √ᾱₜ·x₀ + √(1−ᾱₜ)·n for t in 0 ..< `count` (`sampler.md` §7.1).
///
/// All tables are float32 and built with float32 arithmetic, as the networks were trained with.
public struct NoiseSchedule: Sendable, Hashable {
    /// βₜ, the variance added by step t.
    public let betas: [Float]
    /// ᾱₜ, the running product of 1−βₜ.
    public let cumulativeAlphas: [Float]
    /// √ᾱₜ, the weight of the clean image.
    public let signalScales: [Float]
    /// √(1−ᾱₜ), the weight of the noise.
    public let noiseScales: [Float]
    /// σₜ = √(1−ᾱₜ)/√ᾱₜ, the noise level of xₜ/√ᾱₜ, in the units of images in [-1, 1].
    public let sigmas: [Float]

    /// The number of timesteps.
    public var count: Int { betas.count }

    /// β linear from 1e-4 to 0.02 in 1000 steps: the schedule of most ADM networks.
    public static let linear = linear(from: 1e-4, to: 0.02, count: 1000)

    /// The squared-cosine schedule of 1000 steps, β clipped at 0.999.
    public static let cosine = cosine(count: 1000)

    /// Creates a schedule from its variances.
    /// - Throws: `UD2MError` with code `schedule-invalid` unless every β is in (0, 1) and ᾱ stays positive.
    public init(betas: [Float]) throws {
        guard !betas.isEmpty, betas.allSatisfy({ $0 > 0 && $0 < 1 }) else {
            throw UD2MError(.scheduleInvalid, "Every β of a noise schedule must lie between 0 and 1.")
        }
        self.init(unchecked: betas)
        guard sigmas.allSatisfy({ $0.isFinite }) else {
            throw UD2MError(.scheduleInvalid, "The noise schedule reaches ᾱ = 0.")
        }
    }

    private init(unchecked betas: [Float]) {
        var product: Float = 1
        self.betas = betas
        cumulativeAlphas = betas.map { beta in
            product *= 1 - beta
            return product
        }
        signalScales = cumulativeAlphas.map { $0.squareRoot() }
        noiseScales = cumulativeAlphas.map { (1 - $0).squareRoot() }
        sigmas = zip(noiseScales, signalScales).map { $0 / $1 }
    }

    private static func linear(from first: Double, to last: Double, count: Int) -> NoiseSchedule {
        let step = (last - first) / Double(count - 1)
        return NoiseSchedule(
            unchecked: (0..<count).map { $0 == count - 1 ? Float(last) : Float(first + Double($0) * step) })
    }

    private static func cosine(count: Int) -> NoiseSchedule {
        func survival(_ time: Double) -> Double {
            let root = cos((time + 0.008) / 1.008 * Double.pi / 2)
            return root * root
        }
        return NoiseSchedule(
            unchecked: (0..<count).map { step in
                let now = survival(Double(step) / Double(count))
                let next = survival(Double(step + 1) / Double(count))
                return Float(min(1 - next / now, 0.999))
            })
    }

    /// The timestep whose σ is closest to `sigma`; the first of equals.
    public func nearestTimestep(sigma: Double) -> Int {
        var best = 0
        var bestDistance = Double.infinity
        for (timestep, candidate) in sigmas.enumerated() {
            let distance = abs(Double(candidate) - sigma)
            if distance < bestDistance {
                best = timestep
                bestDistance = distance
            }
        }
        return best
    }
}
