import CUD2MKernels

/// How the algorithms of convolutions are chosen.
package struct AlgorithmPolicy: Sendable {
    package var precision: Precision
    /// What was measured; the cost model decides where it says nothing.
    package var table: AlgorithmTable?

    package init(precision: Precision = .standard, table: AlgorithmTable? = nil) {
        self.precision = precision
        self.table = table
    }
}

/// Chooses the algorithm of a convolution by what it costs, in multiply-adds of the matrix kernel.
///
/// The costs are fitted to the times in `kernels.md`, "Algorithms". They depend on sizes alone, neither on the batch nor
/// on the machine, so that a network computes the same everywhere.
struct AlgorithmChoice {
    let convolution: Convolution
    let shape: AlgorithmTable.Shape

    /// What an algorithm costs apart from its products.
    private struct Overhead {
        /// For every weight of a 1×1 kernel: reading and transforming it.
        var weight: Int
        /// For every transformed input and output value.
        var value: Int

        static let direct = Overhead(weight: 150, value: 10)
        static let winograd2 = Overhead(weight: 400, value: 20)
        static let winograd4 = Overhead(weight: 540, value: 45)
    }

    /// The fastest algorithm that a policy allows.
    func algorithm(_ policy: AlgorithmPolicy) -> ud2m_conv_algorithm {
        guard convolution.suitsWinograd else { return UD2M_CONV_DIRECT }
        var candidates: [AlgorithmTable.Algorithm] = [.winograd2]
        if policy.precision != .strict { candidates.append(.winograd4) }
        // The direct kernel does not read weights where they are stored.
        if !convolution.readsStoredKernel { candidates.append(.direct) }
        let measured = policy.table?.fastest(of: candidates, for: shape)
        return (measured ?? candidates.min { cost($0) < cost($1) } ?? .winograd2).kernelAlgorithm
    }

    private func cost(_ algorithm: AlgorithmTable.Algorithm) -> Int {
        switch algorithm {
        case .direct: directCost
        case .winograd2: winogradCost(tile: 2, .winograd2)
        case .winograd4: winogradCost(tile: 4, .winograd4)
        }
    }

    private var slots: (input: Int, output: Int) {
        (shape.inputBlocks * Int(UD2M_LANES), shape.outputBlocks * Int(UD2M_LANES))
    }

    private var directCost: Int {
        let (pixels, taps) = (shape.height * shape.width, convolution.kernelHeight * convolution.kernelWidth)
        return slots.input * slots.output * (taps * pixels + Overhead.direct.weight)
            + Overhead.direct.value * pixels * slots.input
    }

    private func winogradCost(tile: Int, _ overhead: Overhead) -> Int {
        let tiles = ((shape.height + tile - 1) / tile) * ((shape.width + tile - 1) / tile)
        let frequencies = (tile + 2) * (tile + 2)
        return slots.input * slots.output * (frequencies * tiles + overhead.weight)
            + overhead.value * frequencies * tiles * (slots.input + slots.output)
    }
}

extension AlgorithmTable.Algorithm {
    /// The kernels' name.
    var kernelAlgorithm: ud2m_conv_algorithm {
        switch self {
        case .direct: UD2M_CONV_DIRECT
        case .winograd2: UD2M_CONV_WINOGRAD2
        case .winograd4: UD2M_CONV_WINOGRAD4
        }
    }
}
