import UD2MFormats

/// A network recognised in a state dict.
public struct DetectedArchitecture: Sendable {
    private let kind: any ArchitectureFamily
    /// What is particular to this network: "3 → 6 channels, widths 256 256 512".
    public internal(set) var details: String
    /// The configuration that goes into the store, unless something is ``undecided``.
    public internal(set) var configuration: ArchitectureConfiguration
    /// Every tensor the network needs.
    public let parameters: [ParameterDescription]
    /// How the checkpoint spells them.
    public let layout: TensorLayout
    /// What in the file led to the verdict, as short sentences.
    public internal(set) var evidence: [String]
    /// Assumptions that a person should look at, as sentences.
    public internal(set) var notes: [String] = []
    /// What a person must say before the network can be converted, such as its attention heads: no tensor tells it, and
    /// ``configuration`` has a placeholder there. The names and shapes of the tensors are known all the same.
    public internal(set) var undecided: UD2MError?
    /// The noise schedule that the network was trained with, as files beside the checkpoint give it.
    var schedule: DiffusersSchedule?

    init(
        family: any ArchitectureFamily, configuration: ArchitectureConfiguration, details: String,
        parameters: [ParameterDescription], layout: TensorLayout = TensorLayout(), evidence: [String]
    ) {
        self.kind = family
        self.details = details
        self.configuration = configuration
        self.parameters = parameters
        self.layout = layout
        self.evidence = evidence
    }

    /// The family's name in reports and stores, such as `"adm"`.
    public var family: String { kind.identifier }

    /// The family's name for a person, such as `"ADM U-Net"`.
    public var title: String { kind.title }

    /// The published models of exactly this shape, such as `"256x256_diffusion_uncond"`, and what they are when all of
    /// them are the same: "256×256 unconditional".
    ///
    /// Looked up whenever asked for: the tables of published models take longer to build than a file to open.
    public var knownModels: (names: [String], description: String?) {
        let known = kind.knownModels(like: configuration).filter { $0.parameters == parameters }
        let descriptions = Set(known.compactMap(\.description))
        return (known.map(\.name), descriptions.count == 1 ? descriptions.first : nil)
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
