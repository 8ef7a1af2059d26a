import UD2MFormats

/// What a person must say because no tensor tells it.
public struct DetectionOptions: Sendable {
    /// What the names alone leave open about a DDPM U-Net; nil asks `config.json`, else the published values.
    public struct DDPM: Sendable {
        /// The epsilon of group normalisations (`--norm-eps`).
        public var normEpsilon: Double?
        /// Which half of the timestep embedding comes first (`--timestep-order`).
        public var timestepOrder: DDPMConfiguration.TimestepOrder?
        /// The shift of the embedding's divisor (`--freq-shift`).
        public var frequencyShift: Int?
        /// The padding of stride-2 convolutions (`--down-padding`).
        public var downPadding: DDPMConfiguration.DownPadding?

        /// Creates options that say nothing.
        public init() {}
    }

    /// Heads of the attention blocks (`--heads`, `--head-channels`); nil asks what the family knows.
    public var heads: ADMConfiguration.Heads?
    /// The layout of `qkv` (`--attention-order`); nil asks the signature table.
    public var attentionOrder: ADMConfiguration.AttentionOrder?
    /// What the names leave open about a DDPM U-Net.
    public var ddpm = DDPM()
    /// The semantics of a RAM network (`--ram-flavour`); nil follows the layout.
    public var ramFlavour: RAMConfiguration.Flavour?
    /// The version of LPIPS linear layers (`--lpips-version`); nil means 0.1.
    public var lpipsVersion: LPIPSConfiguration.Version?

    /// Creates options.
    public init(heads: ADMConfiguration.Heads? = nil, attentionOrder: ADMConfiguration.AttentionOrder? = nil) {
        self.heads = heads
        self.attentionOrder = attentionOrder
    }

    /// Takes over what a weight store says about its network, where the person says nothing.
    mutating func fill(from checkpoint: Checkpoint) {
        // A store's configuration was checked when the file was opened; what cannot be read says nothing.
        guard let text = checkpoint.metadata[StoreMetadata.Key.architecture],
            let json = try? JSONValue(parsing: text), let recorded = try? ArchitectureConfiguration(json: json)
        else { return }
        switch recorded {
        case .adm(let adm):
            heads = heads ?? adm.heads
            attentionOrder = attentionOrder ?? adm.attentionOrder
        case .ddpm(let configuration):
            heads = heads ?? configuration.headChannels.map { .channels($0) }
            ddpm.normEpsilon = ddpm.normEpsilon ?? configuration.normEpsilon
            ddpm.timestepOrder = ddpm.timestepOrder ?? configuration.timestepOrder
            ddpm.frequencyShift = ddpm.frequencyShift ?? configuration.frequencyShift
            ddpm.downPadding = ddpm.downPadding ?? configuration.downPadding
        case .ram(let ram): ramFlavour = ramFlavour ?? ram.flavour
        case .lpips(let lpips): lpipsVersion = lpipsVersion ?? lpips.version
        case .vgg16, .squeezeNet, .inception, .discriminator: break
        }
    }

    /// Refuses options that say nothing about a network of this family: they would be ignored in silence.
    /// - Throws: `option-inapplicable`.
    public func requireApplicable(to architecture: DetectedArchitecture) throws(UD2MError) {
        let given: [(option: String, isGiven: Bool, families: Set<String>)] = [
            ("--heads and --head-channels", heads != nil, ["adm", "ddpm"]),
            ("--attention-order", attentionOrder != nil, ["adm"]),
            ("--norm-eps", ddpm.normEpsilon != nil, ["ddpm"]),
            ("--timestep-order", ddpm.timestepOrder != nil, ["ddpm"]),
            ("--freq-shift", ddpm.frequencyShift != nil, ["ddpm"]),
            ("--down-padding", ddpm.downPadding != nil, ["ddpm"]),
            ("--ram-flavour", ramFlavour != nil, ["ram"]),
            ("--lpips-version", lpipsVersion != nil, ["lpips"]),
        ]
        for (option, isGiven, families) in given where isGiven && !families.contains(architecture.family) {
            throw UD2MError(
                .optionInapplicable, "\(option) says nothing about this network: \(architecture.summary).")
        }
    }
}

extension UD2MError.Code {
    /// An option is about another kind of network.
    public static let optionInapplicable = UD2MError.Code("option-inapplicable", .usage)
}
