import UD2MFormats

/// An initialisation of factors that took them out of the network, so that the adapter belongs to what was left: PEFT's
/// PiSSA, OLoRA, CorDA, LoftQ and LoRA-GA.
///
/// PEFT does the same to the network again whenever it loads the adapter, because its configuration says so; a file that
/// cannot say it is right beside the changed network only.
public struct ChangedBase: Sendable {
    /// PEFT's word for it, such as `"pissa_niter_16"`.
    public let initialisation: String
    /// The fields of `adapter_config.json` that say it. Empty where the factors are others by now, which PEFT could not
    /// make again.
    let fields: [(key: String, value: JSONValue)]

    private static let initialisations = ["pissa", "olora", "corda", "loftq", "lora_ga"]
    private static let settings = ["corda_config", "loftq_config", "lora_ga_config"]

    /// Reads PEFT's configuration; nil where the network is left as it was.
    init?(_ configuration: JSONObject) {
        guard case .string(let word)? = configuration["init_lora_weights"],
            Self.initialisations.contains(where: word.lowercased().hasPrefix)
        else { return nil }
        initialisation = word
        fields = (["init_lora_weights"] + Self.settings).compactMap { key in configuration[key].map { (key, $0) } }
    }

    private init(initialisation: String) {
        self.initialisation = initialisation
        fields = []
    }

    /// The same of factors that were computed from these.
    var ofOtherFactors: ChangedBase { ChangedBase(initialisation: initialisation) }

    /// Whether a file of a convention can say it.
    func isHeld(by convention: AdapterConvention) -> Bool { convention == .peft && !fields.isEmpty }

    /// What a person should know, as a sentence.
    var note: String {
        "The factors were taken out of the network (\(initialisation)): the adapter belongs to the network that was left, "
            + "which PEFT saved with it, and not to the original."
    }
}
