import UD2MFormats

extension RAMConfiguration {
    /// The RAM network of this configuration for images of one of its channel counts C (`networks.md` §3.2, steps 4–5).
    ///
    /// Inputs: `x`, the image with its two noise channels, and `krylov0` … `krylov3`, [2C] each, what is known of the
    /// image at the four scales. The external operations ``krylovOperation(scale:)`` embed two decoded images, [2C] to
    /// [4C]. Taps carry the names of the PyTorch modules.
    /// - Throws: `network-configuration` when the numbers describe no network, or there is no head for C channels.
    package func graph(imageChannels: Int) throws -> Graph {
        let widthsAreSound = widths.count == Self.scaleCount && widths.allSatisfy { (1...65_536).contains($0) }
        guard widthsAreSound, (1...64).contains(blocksPerLevel), (1...16).contains(imageChannels),
            let head = self.imageChannels.firstIndex(of: imageChannels)
        else {
            throw UD2MError(
                .networkConfiguration,
                "The RAM configuration describes no network for \(imageChannels) channels: \(self).")
        }
        var network = RAMNetworkBuilder(configuration: self, imageChannels: imageChannels, head: head)
        return try network.build()
    }

    /// The inputs of ``graph(imageChannels:)``.
    func networkInputs(imageChannels: Int) -> [NetworkInput] {
        [NetworkInput(name: "x", kind: .image(channels: imageChannels + 2, sides: .init(multiple: sizeMultiple)))]
            + widths.indices.map { scale in
                NetworkInput(
                    name: Self.krylovInput(scale: scale),
                    kind: .image(channels: 2 * imageChannels, sides: .init(multiple: sizeMultiple >> scale)))
            }
    }

    /// The multiple that both sides of a padded image are of.
    var sizeMultiple: Int { 1 << (Self.scaleCount - 1) }

    /// The tensors of the networks for all channel counts, each once.
    var requiredWeights: [WeightRequirement] {
        get throws {
            var seen: Set<String> = [Self.trustTensor]
            let weights = try imageChannels.flatMap { try graph(imageChannels: $0).weights }
            return [WeightRequirement(name: Self.trustTensor, shape: [1])]
                + weights.filter { seen.insert($0.name).inserted }
        }
    }

    /// The input that holds the embedding of the measurements at a scale.
    static func krylovInput(scale: Int) -> String { "krylov\(scale)" }

    /// The external operation that embeds decoded images at a scale.
    static func krylovOperation(scale: Int) -> String { "embed\(scale)" }

    /// The tensor that multiplies the weight of the observation before the first convolution.
    static let trustTensor = "fact_realign"
}

/// The U-shaped network, written down once.
private struct RAMNetworkBuilder {
    let configuration: RAMConfiguration
    let imageChannels: Int
    /// The index in the names of heads and tails.
    let head: Int
    var builder = GraphBuilder()
    var embeddings: [FeatureMap] = []

    init(configuration: RAMConfiguration, imageChannels: Int, head: Int) {
        self.configuration = configuration
        self.imageChannels = imageChannels
        self.head = head
    }

    mutating func build() throws -> Graph {
        let widths = configuration.widths
        let image = builder.image("x", channels: imageChannels + 2)
        for scale in widths.indices {
            embeddings.append(
                builder.image(RAMConfiguration.krylovInput(scale: scale), channels: 2 * imageChannels))
        }
        var h = convolution(image, "m_head.conv\(head)", channels: widths[0])
        builder.tap("m_head", h)
        var skips = [h]
        for scale in 1..<widths.count {
            h = try stage(h, "m_down\(scale)", scale: scale - 1)
            h = builder.convolution(
                h, "pool\(scale)", channels: widths[scale], kernel: 2, stride: 2, padding: Padding(0), hasBias: false)
            builder.tap("pool\(scale)", h)
            skips.append(h)
        }
        h = try stage(h, "m_body", scale: widths.count - 1)
        for scale in (1..<widths.count).reversed() {
            h = builder.transposedConvolution(
                try builder.add(h, skips.removeLast()), "up\(scale)", channels: widths[scale - 1])
            builder.tap("up\(scale)", h)
            h = try stage(h, "m_up\(scale)", scale: scale - 1)
        }
        h = try builder.add(h, skips.removeLast())
        let output = convolution(h, "m_tail.conv\(head)", channels: imageChannels)
        return builder.finish(output)
    }

    private mutating func stage(_ input: FeatureMap, _ name: String, scale: Int) throws -> FeatureMap {
        var h = input
        for index in 0..<configuration.blocksPerLevel {
            h = try block(h, "\(name).enc.\(index)", scale: scale)
        }
        builder.tap(name, h)
        return h
    }

    /// A residual block that looks at what the measurements say about two images decoded from its features
    /// (`networks.md` §3.3).
    private mutating func block(_ x: FeatureMap, _ prefix: String, scale: Int) throws -> FeatureMap {
        let u = convolution(x, "\(prefix).conv1", channels: x.channels, activation: .relu)
        let branch = convolution(u, "\(prefix).conv2", channels: x.channels)

        let physics = "\(prefix).PhysicsBlock"
        let decoded = convolution(
            u, "\(physics).decoding_conv.tail\(head).convin", channels: 2 * imageChannels)
        let measured = try builder.external(
            RAMConfiguration.krylovOperation(scale: scale), [decoded], channels: 4 * imageChannels)
        builder.tap("\(physics).decoding_conv", decoded)
        let condition = try encode(
            builder.concat(embeddings[scale], measured), "\(physics).encoding_conv.head\(head)", channels: x.channels)
        let gated = builder.scale(builder.activate(condition, .relu), by: "\(prefix).gain")
        let h = try builder.add(try builder.add(x, branch), gated)
        builder.tap(prefix, h)
        return h
    }

    private mutating func encode(_ measured: FeatureMap, _ prefix: String, channels: Int) throws -> FeatureMap {
        let inner = measured.channels
        let v = try builder.add(
            convolution(measured, "\(prefix).convin", channels: inner),
            convolution(measured, "\(prefix).zero_conv_skip", channels: inner, kernel: 1))
        let hidden = convolution(v, "\(prefix).conv10", channels: inner, activation: .relu)
        let result = try builder.add(
            convolution(hidden, "\(prefix).conv20", channels: channels),
            convolution(v, "\(prefix).skipconv0", channels: channels, kernel: 1))
        builder.tap(prefix, result)
        return result
    }

    private mutating func convolution(
        _ input: FeatureMap, _ prefix: String, channels: Int, kernel: Int = 3, activation: Activation = .none
    ) -> FeatureMap {
        builder.convolution(
            input, prefix, channels: channels, kernel: kernel, hasBias: false, activation: activation)
    }
}
