import UD2MFormats

/// One family of networks: how to recognise it and what it needs. A new network is one folder with one of these.
protocol ArchitectureFamily: Sendable {
    /// The name in stores and reports, such as `"adm"`.
    var identifier: String { get }
    /// The name for a person, such as `"ADM U-Net"`.
    var title: String { get }
    /// The name with its article for messages, such as `"an ADM U-Net"`.
    var name: String { get }
    /// Published models, to compare unknown checkpoints with.
    var knownModels: [KnownModel] { get }
    /// Those of ``knownModels`` that can have a network's tensors; all of them unless a family knows better.
    func knownModels(like configuration: ArchitectureConfiguration) -> [KnownModel]
    /// What the names of those models begin with, up to the first dot, in every layout: a checkpoint with none of these
    /// is like none of the models.
    var roots: Set<String> { get }
    /// Whether the names alone look like this family.
    func resembles(_ shapes: StateDictShapes) -> Bool
    /// Reads the configuration off the shapes.
    /// - Throws: ``UD2MError`` when the family is right but the shapes contradict it or do not suffice.
    func detect(_ shapes: StateDictShapes, options: DetectionOptions) throws(UD2MError) -> DetectedArchitecture
}

extension ArchitectureFamily {
    func knownModels(like configuration: ArchitectureConfiguration) -> [KnownModel] { knownModels }
}

/// A published model: its tensors, and the layouts it comes in.
struct KnownModel: Sendable {
    /// The name of the weights' file, without its suffix.
    let name: String
    /// What it is, such as "256×256 unconditional".
    var description: String?
    /// Its tensors in the store.
    let parameters: [ParameterDescription]
    /// How checkpoints spell it.
    var layouts = [TensorLayout()]
}

/// The networks that the converter knows.
public enum ArchitectureRegistry {
    static let families: [any ArchitectureFamily] = [
        ADMFamily(), DDPMFamily(), RAMFamily(), VGGFamily(), SqueezeNetFamily(), LPIPSFamily(), InceptionFamily(),
        DiscriminatorFamily(),
    ]

    /// Recognises the network in a state dict, or gives nil when no family resembles it.
    /// - Throws: ``UD2MError`` when one resembles it but does not fit, or several do.
    public static func detect(
        _ shapes: StateDictShapes, options: DetectionOptions = DetectionOptions()
    ) throws(UD2MError) -> DetectedArchitecture? {
        let alike = families.filter { $0.resembles(shapes) }
        guard alike.count <= 1 else {
            throw UD2MError(
                .architectureAmbiguous,
                "The names fit several networks: \(alike.map(\.name).joined(separator: ", ")).")
        }
        guard let family = alike.first else { return nil }
        let found = try family.detect(shapes, options: options)
        return family.publishedModel(behind: found, shapes, options: options) ?? found
    }

    /// The families, for messages: "an ADM U-Net, …".
    public static var familyNames: String { families.map(\.name).joined(separator: ", ") }
}

extension UD2MError.Code {
    /// No known network has these tensor names.
    public static let architectureUnknown = UD2MError.Code("architecture-unknown", .badData)
    /// Several networks fit.
    public static let architectureAmbiguous = UD2MError.Code("architecture-ambiguous", .badData)
    /// A tensor that fixes the architecture is missing.
    public static let architectureTensorMissing = UD2MError.Code("architecture-tensor-missing", .badData)
    /// A tensor's shape contradicts the architecture.
    public static let architectureShape = UD2MError.Code("architecture-shape", .badData)
    /// The network is recognised, and is one that the toolkit does not run.
    public static let architectureUnsupported = UD2MError.Code("architecture-unsupported", .badData)
    /// The number of attention heads cannot be told from the weights.
    public static let attentionUnknown = UD2MError.Code("attention-unknown", .usage)
}
