import UD2MFormats

/// How the rank of an approximation is chosen.
public enum RankChoice: Sendable, Hashable {
    /// This rank, 1 or more; the matrix's smaller side when that is less.
    case rank(Int)
    /// The smallest rank that holds a fraction of the energy (the sum of the squared singular values), in (0, 1].
    case energy(Double, atMost: Int? = nil)
    /// The smallest rank whose relative Frobenius error is no larger than this, in [0, 1).
    case relativeError(Double, atMost: Int? = nil)

    /// The largest rank that may be chosen, when the choice says so.
    var limit: Int? {
        switch self {
        case .rank(let rank): rank
        case .energy(_, let limit), .relativeError(_, let limit): limit
        }
    }

    /// Refuses numbers that choose nothing.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `rank-choice`.
    public func validate() throws(UD2MError) {
        if let limit, limit < 1 {
            throw UD2MError(.rankChoice, "A rank of \(limit) was asked for; the smallest is 1.")
        }
        switch self {
        case .rank: return
        case .energy(let fraction, _):
            guard fraction > 0, fraction <= 1 else {
                throw UD2MError(.rankChoice, "The fraction of energy to keep is \(fraction), not in (0, 1].")
            }
        case .relativeError(let error, _):
            guard error >= 0, error < 1 else {
                throw UD2MError(.rankChoice, "The relative error to allow is \(error), not in [0, 1).")
            }
        }
    }

    /// The rank chosen from a spectrum; nil when an incomplete one does not reach far enough to tell.
    ///
    /// 0 is chosen only for the zero matrix, by energy or error.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `rank-choice`.
    public func rank(in spectrum: Spectrum) throws(UD2MError) -> Int? {
        try validate()
        let available = spectrum.isComplete ? spectrum.fullRank : spectrum.values.count
        let highest = min(limit ?? .max, spectrum.fullRank)
        var allowed: Double
        switch self {
        case .rank: return highest <= available ? highest : nil
        case .energy(let fraction, _): allowed = (1 - fraction) * spectrum.energy
        case .relativeError(let error, _): allowed = error * error * spectrum.energy
        }
        // What an incomplete spectrum leaves out is known to the rounding of its energy only.
        if !spectrum.isComplete { allowed -= 1e-14 * spectrum.energy }
        // What is left out falls with the rank: halve the range that holds the first rank that leaves out little enough.
        let listed = min(highest, spectrum.values.count)
        var (low, high) = (0, listed + 1)
        while low < high {
            let middle = (low + high) / 2
            if spectrum.energy(beyond: middle) <= allowed { high = middle } else { low = middle + 1 }
        }
        if low <= listed { return low }
        return listed == highest || spectrum.isComplete ? listed : nil
    }
}

extension UD2MError.Code {
    /// A rank, a fraction of energy, an error or a budget that nothing can be chosen by.
    public static let rankChoice = Self("rank-choice", .usage)
}
