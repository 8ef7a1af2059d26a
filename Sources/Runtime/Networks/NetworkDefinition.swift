import UD2MFormats

/// A configuration that describes a runnable network: what it takes, what it gives, and its graph.
protocol NetworkDefinition: Sendable {
    /// The inputs of a run.
    var networkInputs: [NetworkInput] { get }
    /// The channels of the output.
    var outputChannels: Int { get }
    /// Tensors that belong to the network but that only its users read.
    var companionWeights: [WeightRequirement] { get }

    /// The network.
    /// - Throws: `network-configuration` when the numbers describe no network.
    func graph() throws -> Graph
}

extension NetworkDefinition {
    var companionWeights: [WeightRequirement] { [] }

    /// The multiple that both sides of an image must be of.
    var imageMultiple: Int {
        networkInputs.reduce(1) { multiple, input in
            if case .image(_, let sides) = input.kind { max(multiple, sides.multiple) } else { multiple }
        }
    }

    /// Throws `network-configuration` unless a condition holds and every width lies in bounds that keep products of
    /// widths far from overflow.
    func requireBuildable(_ isSound: Bool, widths: [Int]) throws {
        guard isSound, widths.allSatisfy({ (1...65_536).contains($0) }) else {
            throw UD2MError(.networkConfiguration, "The configuration describes no network: \(self).")
        }
    }
}

extension ArchitectureConfiguration {
    /// The network's graph before the passes.
    /// - Throws: `network-configuration` when the numbers describe no network, or one that is not run by itself.
    package var graph: Graph { get throws { try definition.graph() } }

    /// The inputs of the network of this architecture.
    /// - Throws: `network-configuration`.
    package var networkInputs: [NetworkInput] { get throws { try definition.networkInputs } }

    /// The network of this architecture; a new one is a file in `Networks` and a line here.
    /// - Throws: `network-configuration` for a network that is not run by itself.
    var definition: any NetworkDefinition {
        get throws {
            switch self {
            case .adm(let configuration): configuration
            case .ddpm(let configuration): configuration
            case .vgg16(let configuration): configuration
            case .squeezeNet(let configuration): configuration
            case .lpips(let configuration): configuration
            case .inception(let configuration): configuration
            case .discriminator(let configuration): configuration
            case .ram:
                throw UD2MError(.networkConfiguration, "A RAM network is not run without an operator.")
            }
        }
    }
}
