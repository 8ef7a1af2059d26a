import UD2MFormats

/// LPIPS between images: a feature network and the distance between its activations.
public final class LPIPSMetric: Sendable {
    /// The network that the store holds.
    public let configuration: LPIPSConfiguration
    /// The distance between activations.
    public let distance: LPIPSDistance

    private let network: Network
    private let taps: [String]

    /// Loads the metric from a store, to run on `threads` threads; 0 means one a processor.
    /// - Throws: ``UD2MFormats/UD2MError``: `network-configuration` when the store holds no LPIPS metric, or what loading
    ///   a network throws.
    public init(
        store: WeightStore, convention: LPIPSDistance.Convention = .lpips, threads: Int = 0,
        precision: Precision = .standard
    ) throws {
        guard case .lpips(let configuration) = store.architecture else {
            throw UD2MError(
                .networkConfiguration, "The store holds no LPIPS metric.", at: .init(file: store.path),
                remedy: "Convert a trunk and its linear layers with ud2m-convert.")
        }
        self.configuration = configuration
        network = try Network(store: store, threads: threads, precision: precision)
        distance = try LPIPSDistance(
            weights: try configuration.tapChannels.enumerated().map { index, channels in
                try Self.linearLayer(index, channels: channels, of: store)
            }, convention: convention)
        taps = configuration.tapNames
    }

    /// The distance of each item of two batches.
    /// - Parameters:
    ///   - a: images [N, 3, H, W].
    ///   - b: images of the same shape.
    ///   - range: how their values are understood; nil is what the convention's program does when nothing is said.
    /// - Returns: N distances.
    /// - Throws: ``UD2MFormats/UD2MError``: `tensor-shape` when the shapes differ, what running the network throws, and
    ///   for torchmetrics `input-range` for values that it refuses: outside [0, 1], or below -1 when signed.
    public func distance(
        _ a: Tensor, _ b: Tensor, range: LPIPSDistance.InputRange? = nil
    ) throws -> [Double] {
        guard a.shape == b.shape else {
            throw UD2MError(.tensorShape, "Images of shapes \(a.shape) and \(b.shape) cannot be compared.")
        }
        let range = range ?? distance.convention.inputRange
        return try distance.distance(try activations(a, range), try activations(b, range))
    }

    /// The activations that are compared, one tensor a tap.
    private func activations(_ image: Tensor, _ range: LPIPSDistance.InputRange) throws -> [Tensor] {
        if distance.convention == .torchmetrics { try Self.requireAccepted(image, range) }
        let results = try network.run(["x": try scaled(image, range)], taps: taps)
        return taps.compactMap { results[$0] }
    }

    /// The image as the trunk takes it.
    private func scaled(_ image: Tensor, _ range: LPIPSDistance.InputRange) throws -> Tensor {
        guard image.shape.count == 4, image.shape[1] == 3 else {
            throw UD2MError(.tensorShape, "Images of shape \(image.shape) are not [N, 3, H, W].")
        }
        var values = image.values
        if range == .unit { for index in values.indices { values[index] = 2 * values[index] - 1 } }
        if configuration.version == .v0_1 {
            let (shift, scale) = (LPIPSConfiguration.scalingShift, LPIPSConfiguration.scalingScale)
            let plane = image.shape[2] * image.shape[3]
            for start in stride(from: 0, to: values.count, by: max(plane, 1)) {
                let channel = start / plane % 3
                for index in start..<start + plane {
                    values[index] = (values[index] - shift[channel]) / scale[channel]
                }
            }
        }
        return try Tensor(shape: image.shape, values: values)
    }

    private static func requireAccepted(_ image: Tensor, _ range: LPIPSDistance.InputRange) throws {
        let accepted: ClosedRange<Float> = range == .unit ? 0...1 : -1 ... .infinity
        guard image.values.allSatisfy(accepted.contains) else {
            throw UD2MError(.inputRange, "An image has values outside its range.")
        }
    }

    private static func linearLayer(_ index: Int, channels: Int, of store: WeightStore) throws -> [Float] {
        let name = TensorName("lin\(index).model.1.weight")
        guard let tensor = store.tensor(name) else {
            throw UD2MError(
                .weightMissing, "The metric needs this tensor.", at: .init(file: store.path, tensor: name.text))
        }
        let weights = try tensor.floats()
        guard weights.count == channels else {
            throw UD2MError(
                .weightShape, "The tensor has \(weights.count) elements, not \(channels).",
                at: .init(file: store.path, tensor: name.text))
        }
        return weights
    }
}

extension LPIPSConfiguration {
    /// The network's names of the activations that are compared.
    fileprivate var tapNames: [String] {
        switch trunk {
        case .vgg16:
            VGGConfiguration.convolutionIndices.enumerated().map { "relu\($0 + 1)_\($1.count)" }
        case .squeezeNet: (1...7).map { "relu\($0)" }
        }
    }
}
