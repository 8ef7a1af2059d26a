import UD2MFormats

/// Ranks for many matrices under one limit on the number of parameters.
public enum RankBudget {
    /// What a rank of one matrix costs and gains.
    public struct Layer: Sendable, Hashable {
        /// The matrix's singular values; ranks beyond those listed are not considered.
        public var spectrum: Spectrum
        /// The parameters that one rank costs: rows + columns.
        public var parametersPerRank: Int

        /// Creates a description of one matrix.
        public init(spectrum: Spectrum, parametersPerRank: Int) {
            self.spectrum = spectrum
            self.parametersPerRank = parametersPerRank
        }
    }

    /// Chooses ranks that lower the total squared error most for each parameter, one singular value after the other.
    ///
    /// A value that does not fit any more ends its layer, and cheaper layers go on. Singular values of 0 are never paid
    /// for, so ranks may be 0 and the budget need not be used up.
    /// - Returns: One rank a layer, 0 or more, in the order of `layers`.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `rank-choice` when the budget is less than 1 or a layer's rank
    ///   costs less than 1.
    public static func ranks(of layers: [Layer], parameters budget: Int) throws(UD2MError) -> [Int] {
        guard budget >= 1, layers.allSatisfy({ $0.parametersPerRank >= 1 }) else {
            throw UD2MError(.rankChoice, "A budget of \(budget) parameters cannot be shared.")
        }
        // Within a layer the gains fall, so the best next value of all layers is found by sorting them once.
        let candidates = layers.indices.flatMap { layer in
            layers[layer].spectrum.values.prefix { $0 > 0 }.enumerated().map { index, value in
                (gain: value * value / Double(layers[layer].parametersPerRank), layer: layer, index: index)
            }
        }
        let sorted = candidates.sorted { a, b in
            // Equal gains go to the earlier layer, and within one in order.
            a.gain != b.gain ? a.gain > b.gain : (a.layer, a.index) < (b.layer, b.index)
        }
        var ranks = [Int](repeating: 0, count: layers.count)
        var left = budget
        for candidate in sorted where layers[candidate.layer].parametersPerRank <= left {
            ranks[candidate.layer] += 1
            left -= layers[candidate.layer].parametersPerRank
        }
        return ranks
    }
}
