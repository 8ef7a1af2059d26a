import UD2MFormats

extension LPIPSConfiguration: NetworkDefinition {
    private var network: any NetworkDefinition {
        switch trunk {
        case .vgg16(let configuration): configuration
        case .squeezeNet(let configuration): configuration
        }
    }

    var networkInputs: [NetworkInput] { network.networkInputs }

    var outputChannels: Int { network.outputChannels }

    /// The layers that weigh the channels of each tap's differences.
    var companionWeights: [WeightRequirement] {
        tapChannels.enumerated().map { index, channels in
            WeightRequirement(name: "lin\(index).model.1.weight", shape: [1, channels, 1, 1])
        }
    }

    /// The feature network of LPIPS; distances are computed from its taps.
    /// - Throws: `network-configuration` when the numbers describe no network.
    package func graph() throws -> Graph { try network.graph() }
}
