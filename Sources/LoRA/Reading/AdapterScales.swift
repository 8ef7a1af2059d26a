import UD2MFormats

/// The numerator of the scale of modules for which a file says none.
public enum StandardAlpha: Sendable, Hashable, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    /// The same number for all.
    case number(Double)
    /// Each module's own rank, which makes the scale 1.
    case rank

    /// The number.
    public init(integerLiteral value: Int) { self = .number(Double(value)) }

    /// The number.
    public init(floatLiteral value: Double) { self = .number(value) }

    func value(rank: Int) -> Double {
        switch self {
        case .number(let number): number
        case .rank: Double(rank)
        }
    }
}

/// Where the scales of an adapter's modules come from.
struct AdapterScales: Sendable {
    /// diffusers' metadata key for the configuration.
    static let diffusersKey = "lora_adapter_metadata"

    private let convention: AdapterConvention
    private let standardAlpha: StandardAlpha?
    private var configuration: PEFTConfiguration?
    private var components: [String: PEFTConfiguration] = [:]
    private var usesRootOfRank = false
    /// Modules whose scale nothing says: diffusers takes it for 1.
    private(set) var withoutAlpha: [String] = []
    /// How many modules have an alpha of their own.
    private(set) var statedCount = 0

    /// Whether layers are stored inputs first.
    var isTransposed: Bool { configuration?.isTransposed ?? false }
    /// The base that the configuration names.
    var baseName: String? { configuration?.baseName }
    /// Whether the configuration says that biases were trained.
    var trainsBiases: Bool { configuration?.trainsBiases ?? false }
    /// The initialisation that changed the base as well.
    var changedBase: ChangedBase? {
        configuration?.changedBase ?? components.values.lazy.compactMap(\.changedBase).first
    }

    init(_ convention: AdapterConvention, file: AdapterFile, alpha: StandardAlpha?) throws {
        self.convention = convention
        standardAlpha = alpha
        let place = UD2MError.Location(file: file.checkpoint.path)
        let metadata = file.checkpoint.metadata
        switch convention {
        case .peft:
            if let json = file.configuration { configuration = try PEFTConfiguration(json, at: place) }
        case .diffusers:
            guard let text = metadata[Self.diffusersKey] else { return }
            components = try Self.components(text, at: place)
        case .kohya:
            // LyCORIS' option is recorded among the trainer's arguments only.
            let arguments = metadata["ss_network_args"]?.lowercased().filter { !" \"'".contains($0) } ?? ""
            usesRootOfRank = arguments.contains("rs_lora:true")
        case .ud2m: break
        }
    }

    /// Takes the keys `component.field` of diffusers' metadata apart.
    private static func components(
        _ text: String, at location: UD2MError.Location
    ) throws -> [String: PEFTConfiguration] {
        var place = location
        place.entry = diffusersKey
        let json: JSONValue
        do {
            json = try JSONValue(parsing: text)
        } catch let error as UD2MError {
            throw UD2MError(.adapterConfiguration, "The metadata are not valid JSON: \(error.message)", at: place)
        }
        guard case .object(let object) = json else {
            throw UD2MError(.adapterConfiguration, "The metadata must be an object.", at: place)
        }
        var fields: [String: JSONObject] = [:]
        for (key, value) in object.members {
            let component = AdapterNames.components.first { key.hasPrefix($0 + ".") } ?? ""
            let field = component.isEmpty ? key : String(key.dropFirst(component.count + 1))
            fields[component, default: JSONObject()][field] = value
        }
        var configurations: [String: PEFTConfiguration] = [:]
        for (component, object) in fields {
            configurations[component] = try PEFTConfiguration(.object(object), at: place)
        }
        return configurations
    }

    /// The scale of a module.
    /// - Parameters:
    ///   - name: The module.
    ///   - rank: The rank of its factors.
    ///   - alpha: The numerator that the file has for it.
    ///   - tensor: One of its tensors, for errors.
    /// - Returns: The scale.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-alpha-missing` or `adapter-rank`.
    mutating func scale(
        _ name: AdapterNames.Module, rank: Int, alpha: Double?, tensor: TensorSource
    ) throws(UD2MError) -> AdapterScale {
        guard rank > 0 else { throw UD2MError(.adapterRank, "The rank is 0.", at: .init(tensor: tensor.name.text)) }
        if convention == .ud2m { return AdapterScale(alpha: AdapterReader.ud2mAlpha, rank: rank) }
        if let alpha {
            statedCount += 1
            return AdapterScale(alpha: alpha, rank: rank, usesRootOfRank: usesRootOfRank)
        }
        if let scale = try configured(name, rank: rank, tensor: tensor) {
            guard scale.rank == rank else {
                throw UD2MError(
                    .adapterRank, "The factors have rank \(rank), the configuration says \(scale.rank).",
                    at: .init(tensor: tensor.name.text))
            }
            return scale
        }
        if let standardAlpha {
            return AdapterScale(alpha: standardAlpha.value(rank: rank), rank: rank, usesRootOfRank: usesRootOfRank)
        }
        guard convention != .peft else {
            throw UD2MError(
                .adapterAlphaMissing, "PEFT keeps the scale in adapter_config.json, which is not beside the file.",
                at: .init(tensor: tensor.name.text), remedy: "Name the adapter's folder, or pass --alpha.")
        }
        withoutAlpha.append(name.module)
        return AdapterScale(alpha: Double(rank), rank: rank)
    }

    /// Refuses kohya's files without alphas: what their trainers multiplied by is not known, and programs that read them
    /// disagree.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-alpha-missing`.
    func requireAlphas() throws(UD2MError) {
        guard convention == .kohya, let first = withoutAlpha.first else { return }
        let names = withoutAlpha.prefix(5).joined(separator: ", ") + (withoutAlpha.count > 5 ? ", …" : "")
        throw UD2MError(
            .adapterAlphaMissing,
            statedCount == 0
                ? "No module of the file has an alpha, so that its scale is not known."
                : "\(withoutAlpha.count) of \(withoutAlpha.count + statedCount) modules have no alpha: "
                    + names.escapedForDisplay + ".",
            at: .init(tensor: first),
            remedy:
                "Pass --alpha with the number of the training; --alpha rank takes the scale for 1, as many programs do."
        )
    }

    /// The scale that the configuration gives a module; nil without a configuration, or where it says none.
    func configured(
        _ name: AdapterNames.Module, rank: Int? = nil, tensor: TensorSource
    ) throws(UD2MError) -> AdapterScale? {
        guard let configuration = configuration ?? components[name.component ?? ""] else { return nil }
        let rule = configuration.rule(for: name.module)
        guard let rank = rule.rank ?? rank, let alpha = rule.alpha ?? standardAlpha?.value(rank: rank) else {
            throw UD2MError(
                .adapterAlphaMissing, "The configuration does not say the module's rank and alpha.",
                at: .init(tensor: tensor.name.text), remedy: "Pass --alpha, or mend adapter_config.json.")
        }
        return AdapterScale(alpha: alpha, rank: rank, usesRootOfRank: configuration.usesRootOfRank)
    }
}
