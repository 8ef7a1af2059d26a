import CUD2MKernels

/// Chooses the algorithm of a convolution by what it costs, in multiply-adds of the matrix kernel.
///
/// The costs are fitted to the times in `kernels.md`, "Algorithms". They depend on sizes alone, neither on the batch nor
/// on the machine, so that a network computes the same everywhere.
struct AlgorithmChoice {
    let convolution: Convolution
    /// Slots of the input and the output.
    let channels: (input: Int, output: Int)
    /// Of the output, in pixels.
    let size: (height: Int, width: Int)

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

    /// The cheapest algorithm that a precision allows.
    func algorithm(_ precision: Precision) -> ud2m_conv_algorithm {
        guard convolution.suitsWinograd else { return UD2M_CONV_DIRECT }
        var candidates = [(UD2M_CONV_WINOGRAD2, winogradCost(tile: 2, .winograd2))]
        if precision != .strict { candidates.append((UD2M_CONV_WINOGRAD4, winogradCost(tile: 4, .winograd4))) }
        // The direct kernel does not read weights where they are stored.
        if !convolution.readsStoredKernel { candidates.append((UD2M_CONV_DIRECT, directCost)) }
        return candidates.min { $0.1 < $1.1 }?.0 ?? UD2M_CONV_DIRECT
    }

    private var directCost: Int {
        let (pixels, taps) = (size.height * size.width, convolution.kernelHeight * convolution.kernelWidth)
        return channels.input * channels.output * (taps * pixels + Overhead.direct.weight)
            + Overhead.direct.value * pixels * channels.input
    }

    private func winogradCost(tile: Int, _ overhead: Overhead) -> Int {
        let tiles = ((size.height + tile - 1) / tile) * ((size.width + tile - 1) / tile)
        let frequencies = (tile + 2) * (tile + 2)
        return channels.input * channels.output * (frequencies * tiles + overhead.weight)
            + overhead.value * frequencies * tiles * (channels.input + channels.output)
    }
}
