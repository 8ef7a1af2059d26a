import UD2MFormats

/// What the two implementations of RAM do differently around one and the same network (`networks.md` §3.4).
extension RAMConfiguration.Flavour {
    /// The zeros that images get at the top and left.
    func padding(height: Int, width: Int) -> ZeroPadding {
        switch self {
        case .original: ZeroPadding(top: Self.missing(height, 8), left: Self.missing(width, 8))
        case .deepinv:
            ZeroPadding(
                top: max(Self.missing(height, 16), 64 - height), left: max(Self.missing(width, 16), 64 - width))
        }
    }

    /// The smallest σ that the network is told.
    var leastSigma: Double { self == .original ? 1e-3 : 5e-3 }

    /// The σ that the network is told when none is known.
    var unknownSigma: Double { 5e-3 }

    /// The smallest gain that the network is told.
    var leastGain: Double { self == .original ? 1e-3 : 1e-4 }

    /// The gain that the network is told when none is known.
    var unknownGain: Double { self == .original ? 5e-3 : 1e-4 }

    /// What an observation whose largest magnitude is `peak` is divided by, and the result multiplied by.
    func rescaling(peak: Double) -> Double {
        guard self == .deepinv, peak <= 5 * leastSigma else { return 1 }
        return peak > 0 ? peak : 1e-12
    }

    /// The σ that weighs the observation in the first proximal step.
    /// - Parameters:
    ///   - given: the largest of the image's noise levels; nil when unknown.
    ///   - told: the largest that the network is told.
    /// - Returns: the σ to use.
    func realignmentSigma(given: Double?, told: Double) -> Double {
        switch self {
        case .original: given ?? 1e-6
        case .deepinv: told
        }
    }

    /// Whether the first proximal step knows that the observation is smaller than the image. The wrapper classes of
    /// deepinv hide it.
    var knowsSamplingFactor: Bool { self == .original }

    /// Whether the first proximal step is a formula where there is one, rather than conjugate gradients.
    var prefersClosedForm: Bool { self == .deepinv }

    private static func missing(_ size: Int, _ multiple: Int) -> Int { (multiple - size % multiple) % multiple }
}
