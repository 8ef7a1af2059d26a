import UD2MFormats

/// A network recognised in a state dict.
public struct DetectedArchitecture: Sendable {
    /// The family's name in reports and stores, such as `"adm"`.
    public let family: String
    /// The family's name for a person, such as `"ADM U-Net"`.
    public let title: String
    /// What is particular to this network: "3 → 6 channels, widths 256 256 512".
    public let details: String
    /// The configuration that goes into the store.
    public let configuration: ArchitectureConfiguration
    /// Every tensor the network needs.
    public let parameters: [ParameterDescription]
    /// How the checkpoint spells them.
    public let layout: TensorLayout
    /// What in the file led to the verdict, as short sentences.
    public internal(set) var evidence: [String]
    /// What is known about published models of exactly this shape, such as "256×256 unconditional".
    public let knownModels: [String]
    /// What those models are, when all of them are the same: "256×256 unconditional".
    public let knownAs: String?

    init(
        family: any ArchitectureFamily, configuration: ArchitectureConfiguration, details: String,
        parameters: [ParameterDescription], layout: TensorLayout = TensorLayout(), evidence: [String]
    ) {
        let known = family.knownModels.filter { $0.parameters == parameters }
        self.family = family.identifier
        self.title = family.title
        self.details = details
        self.configuration = configuration
        self.parameters = parameters
        self.layout = layout
        self.evidence = evidence
        self.knownModels = known.map(\.name)
        let descriptions = Set(known.compactMap(\.description))
        self.knownAs = descriptions.count == 1 ? descriptions.first : nil
    }

    /// The number of weights that go into the store.
    public var parameterCount: Int { parameters.reduce(0) { $0 + ($1.isBuffer ? 0 : $1.count) } }

    /// The number of weights that the checkpoint's layout has, the unused ones included, as publications count them.
    public var publishedParameterCount: Int {
        parameterCount + layout.leftOut.reduce(0) { $0 + $1.parameterCount }
    }

    /// One line for a person: "ADM U-Net, 3 → 6 channels, widths 256 256 512, …".
    public var summary: String { "\(title), \(details)" }

    /// How many of the network's tensors are among `shapes` with the right shape.
    func matchCount(_ shapes: [TensorName: [Int]]) -> Int {
        parameters.count { parameter in
            let tensor = layout.fileTensor(parameter)
            return shapes[tensor.name] == tensor.shape
        }
    }
}
