import UD2MFormats

/// What a person must say because no tensor tells it.
public struct DetectionOptions: Sendable {
    /// Heads of the attention blocks (`--heads`, `--head-channels`); nil asks the signature table.
    public var heads: ADMConfiguration.Heads?
    /// The layout of `qkv` (`--attention-order`); nil asks the signature table.
    public var attentionOrder: ADMConfiguration.AttentionOrder?

    /// Creates options.
    public init(heads: ADMConfiguration.Heads? = nil, attentionOrder: ADMConfiguration.AttentionOrder? = nil) {
        self.heads = heads
        self.attentionOrder = attentionOrder
    }
}

/// A network recognised in a state dict.
public struct DetectedArchitecture: Sendable {
    /// The configuration that goes into the store.
    public let configuration: ArchitectureConfiguration
    /// Every tensor the network needs.
    public let parameters: [ParameterDescription]
    /// What in the file led to the verdict, as short sentences.
    public let evidence: [String]

    /// The number of weights.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }
}

/// One family of networks: how to recognise it and what it needs. A new network is one folder with one of these.
protocol ArchitectureFamily: Sendable {
    /// The name for messages, such as "an ADM U-Net".
    var name: String { get }
    /// Whether the names alone look like this family.
    func resembles(_ shapes: StateDictShapes) -> Bool
    /// Reads the configuration off the shapes.
    /// - Throws: ``UD2MError`` when the family is right but the shapes contradict it or do not suffice.
    func detect(_ shapes: StateDictShapes, options: DetectionOptions) throws(UD2MError) -> DetectedArchitecture
}

/// The networks that the converter knows.
public enum ArchitectureRegistry {
    static let families: [any ArchitectureFamily] = [ADMFamily()]

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
        return try family.detect(shapes, options: options)
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
    /// The number of attention heads cannot be told from the weights.
    public static let attentionUnknown = UD2MError.Code("attention-unknown", .usage)
}
