import UD2MFormats

/// The distance of LPIPS (Zhang et al. 2018) between the activations of two images (`networks.md` §4).
///
/// `Σ_l mean_{h,w} Σ_c w_lc (n(F_l) - n(G_l))²`, where n divides each position's vector of channels by its length.
public struct LPIPSDistance: Sendable, Hashable {
    /// The program whose numbers are given; they differ.
    public enum Convention: String, Sendable, Hashable, CaseIterable {
        /// The lpips package: `F / (√ΣF² + 1e-10)`, images in [-1, 1].
        case lpips
        /// torchmetrics: `F / √(1e-8 + ΣF²)`, images in [-1, 1] unless told otherwise.
        case torchmetrics
        /// pyiqa: as lpips, but images in [0, 1] unless told otherwise.
        case pyiqa

        /// The range that the program's metric expects when nothing is said.
        public var inputRange: InputRange { self == .pyiqa ? .unit : .signed }
    }

    /// How the values of images are to be understood.
    public enum InputRange: String, Sendable, Hashable, CaseIterable {
        /// [-1, 1].
        case signed
        /// [0, 1], mapped to [-1, 1] first.
        case unit
    }

    /// How lengths are computed.
    public let convention: Convention
    /// The weights of each tap's channels.
    public let weights: [[Float]]

    /// Creates a distance.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `weight-shape` when there are no weights.
    public init(weights: [[Float]], convention: Convention = .lpips) throws {
        guard !weights.isEmpty, weights.allSatisfy({ !$0.isEmpty }) else {
            throw UD2MError(.weightShape, "A distance needs weights for one tap or more.")
        }
        self.weights = weights
        self.convention = convention
    }

    /// The distance of each item of a batch.
    ///
    /// Computed in double precision.
    /// - Parameters:
    ///   - a: activations [N, C, H, W], one tensor a tap.
    ///   - b: the other images' activations, of the same shapes.
    /// - Returns: N distances, none negative unless a weight is.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `tensor-shape` when shapes do not fit.
    public func distance(_ a: [Tensor], _ b: [Tensor]) throws -> [Double] {
        guard a.count == weights.count, b.count == weights.count else {
            throw UD2MError(
                .tensorShape, "\(a.count) and \(b.count) activations do not fit \(weights.count) taps.")
        }
        let layers = try a.indices.map { try layerDistance(a[$0], b[$0], weights: weights[$0]) }
        guard let first = layers.first, layers.allSatisfy({ $0.count == first.count }) else {
            throw UD2MError(.tensorShape, "The activations have batches of different sizes.")
        }
        return first.indices.map { item in layers.reduce(0) { $0 + $1[item] } }
    }

    /// The distance that one tap adds, for each item.
    /// - Throws: as ``distance(_:_:)``.
    public func layerDistance(_ a: Tensor, _ b: Tensor, weights: [Float]) throws -> [Double] {
        guard a.shape == b.shape, a.shape.count == 4, a.shape[1] == weights.count, !a.values.isEmpty else {
            throw UD2MError(
                .tensorShape,
                "Activations of shapes \(a.shape) and \(b.shape) do not fit \(weights.count) weights.")
        }
        let plane = a.shape[2] * a.shape[3]
        return a.values.withUnsafeBufferPointer { left in
            b.values.withUnsafeBufferPointer { right in
                (0..<a.shape[0]).map { item in
                    let slice = item * weights.count * plane..<(item + 1) * weights.count * plane
                    return meanDifference(
                        .init(rebasing: left[slice]), .init(rebasing: right[slice]), weights, plane)
                }
            }
        }
    }

    private func meanDifference(
        _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>, _ weights: [Float], _ plane: Int
    ) -> Double {
        let (left, right) = (inverseLengths(a, plane), inverseLengths(b, plane))
        var sum = 0.0
        for (channel, weight) in weights.enumerated() {
            var channelSum = 0.0
            for position in 0..<plane {
                let index = channel * plane + position
                let difference = Double(a[index]) * left[position] - Double(b[index]) * right[position]
                channelSum += difference * difference
            }
            sum += Double(weight) * channelSum
        }
        return sum / Double(plane)
    }

    /// What each position's vector is multiplied by.
    private func inverseLengths(_ values: UnsafeBufferPointer<Float>, _ plane: Int) -> [Double] {
        var squares = [Double](repeating: 0, count: plane)
        for start in stride(from: 0, to: values.count, by: plane) {
            for position in 0..<plane {
                let value = Double(values[start + position])
                squares[position] += value * value
            }
        }
        return switch convention {
        case .lpips, .pyiqa: squares.map { 1 / ($0.squareRoot() + 1e-10) }
        case .torchmetrics: squares.map { 1 / (1e-8 + $0).squareRoot() }
        }
    }
}
