import UD2MFormats

/// What PEFT's `adapter_config.json` says about scales, or diffusers' metadata of one component (`formats.md` §13).
struct PEFTConfiguration: Sendable {
    /// `LORA`, `LOHA` or `LOKR`.
    private(set) var kind = "LORA"
    private(set) var rank: Int?
    private(set) var alpha: Double?
    private(set) var usesRootOfRank = false
    private(set) var isTransposed = false
    /// Whether biases were trained with the factors, and are saved whole.
    private(set) var trainsBiases = false
    private(set) var ranks: [(key: Key, rank: Int)] = []
    /// Whether ranks are given to expressions that are not read; the factors tell them.
    private var hasUnreadRanks = false
    private(set) var alphas: [(key: Key, alpha: Double)] = []
    private(set) var baseName: String?
    /// How factors were initialised where that changed the base as well.
    private(set) var changedBase: ChangedBase?

    /// Steps of all expressions together.
    private static let maximumSteps = 16_384

    /// A key of a pattern.
    enum Key: Sendable {
        /// A module's whole name, or the end of it unless it is anchored.
        case name(String, isAnchored: Bool)
        case expression(ModulePattern)

        func fits(_ module: String) -> Bool {
            switch self {
            case .name(let name, let isAnchored): module == name || (!isAnchored && module.hasSuffix("." + name))
            case .expression(let pattern): pattern.fits(module)
            }
        }
    }

    /// Fields that make another kind of adapter of LoRA's where they are set.
    private static let otherKinds = [
        ("use_qalora", "QALoRA"), ("use_bdlora", "BD-LoRA"), ("arrow_config", "Arrow"), ("kasa_config", "KaSA"),
        ("monteclora_config", "MonteCLoRA"),
    ]

    /// Reads a configuration.
    /// - Parameters:
    ///   - json: The document.
    ///   - location: Where it is, for errors.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-configuration`, or `adapter-kind` for other kinds than LoRA,
    ///   LoHa and LoKr.
    init(_ json: JSONValue, at location: UD2MError.Location) throws(UD2MError) {
        func error(_ message: String) -> UD2MError { UD2MError(.adapterConfiguration, message, at: location) }
        guard case .object(let object) = json else { throw error("The configuration must be an object.") }
        func text(_ key: String) -> String? { if case .string(let text)? = object[key] { text } else { nil } }
        func flag(_ key: String) throws(UD2MError) -> Bool {
            switch object[key] {
            case nil, .null?: return false
            case .bool(let value)?: return value
            default: throw error("'\(key)' must be true or false.")
            }
        }
        for key in ["peft_type", "base_model_name_or_path", "bias"] {
            switch object[key] {
            case nil, .null?, .string?: break
            default: throw error("'\(key)' must be a text.")
            }
        }
        for key in ["rank_pattern", "alpha_pattern"] {
            switch object[key] {
            case nil, .null?, .object?: break
            default: throw error("'\(key)' must be an object.")
            }
        }
        switch object["init_lora_weights"] {
        case nil, .null?, .bool?, .string?: break
        default: throw error("'init_lora_weights' must be a text, true or false.")
        }
        kind = (text("peft_type") ?? "LORA").uppercased()
        guard ["LORA", "LOHA", "LOKR"].contains(kind) else {
            throw UD2MError(
                .adapterKind, "This is an adapter of kind \(kind), which is not supported.", at: location,
                remedy: "Merge it with PEFT; ud2m-lora reads LORA, LOHA and LOKR.")
        }
        for (key, name) in Self.otherKinds {
            switch object[key] {
            case nil, .null?, .bool(false)?: break
            default:
                throw UD2MError(
                    .adapterKind, "This is an adapter of kind \(name), which is not supported.", at: location,
                    remedy: "Run it with PEFT: its change is no product of two factors.")
            }
        }
        for key in ["layer_replication", "alora_invocation_tokens"] {
            switch object[key] {
            case nil, .null?, .array([])?: break
            default: throw error("'\(key)' changes more than weights, which cannot be merged.")
            }
        }
        if let value = object["r"] {
            guard let number = value.int, number > 0 else {
                throw UD2MError(.adapterRank, "'r' must be a whole number from 1 on.", at: location)
            }
            rank = number
        }
        if let value = object[kind == "LORA" ? "lora_alpha" : "alpha"] {
            guard let number = value.number, number.isFinite else { throw error("'lora_alpha' must be a number.") }
            alpha = number
        }
        usesRootOfRank = try flag("use_rslora")
        isTransposed = try flag("fan_in_fan_out")
        trainsBiases = ["all", "lora_only"].contains(text("bias") ?? "none")
        baseName = text("base_model_name_or_path")
        var steps = 0
        func read(_ key: String) -> Result<Key, ModulePattern.Unsupported> {
            if let name = Self.name(key) { return .success(name) }
            do throws(ModulePattern.Unsupported) {
                let pattern = try ModulePattern(key)
                steps += pattern.stepCount
                guard steps <= Self.maximumSteps else {
                    throw .init(reason: "has, with the others, more than \(Self.maximumSteps) steps")
                }
                return .success(.expression(pattern))
            } catch {
                return .failure(error)
            }
        }
        if case .object(let patterns)? = object["rank_pattern"] {
            for (key, value) in patterns.members {
                guard let number = value.int, number > 0 else {
                    throw error("'rank_pattern' must hold ranks from 1 on.")
                }
                switch read(key) {
                case .success(let key): ranks.append((key, number))
                case .failure: hasUnreadRanks = true
                }
            }
        }
        if case .object(let patterns)? = object["alpha_pattern"] {
            for (key, value) in patterns.members {
                guard let number = value.number, number.isFinite else {
                    throw error("'alpha_pattern' must hold numbers.")
                }
                switch read(key) {
                case .success(let key): alphas.append((key, number))
                case .failure(let unsupported):
                    throw UD2MError(
                        .adapterConfiguration,
                        "'\(key.escapedForDisplay)' of alpha_pattern \(unsupported.reason), which is "
                            + "not read.", at: location, remedy: "Write the modules' names in its place.")
                }
            }
        }
        if kind == "LORA" { changedBase = ChangedBase(object) }
    }

    /// The scale's rule for a module; no rank where an expression may give it one, which the factors then tell.
    func rule(for module: String) -> (rank: Int?, alpha: Double?) {
        let named = ranks.first { $0.key.fits(module) }?.rank
        return (hasUnreadRanks ? nil : named ?? rank, alphas.first { $0.key.fits(module) }?.alpha ?? alpha)
    }

    /// The name that a key stands for, as most do; nil for expressions.
    private static func name(_ key: String) -> Key? {
        var text = key.replacing("\\.", with: ".")
        if text.hasSuffix("$") { text.removeLast() }
        let isAnchored = text.hasPrefix("^")
        if isAnchored { text.removeFirst() }
        let isExpression = text.utf8.contains { "\\*+?()[]{}|^$".utf8.contains($0) }
        return isExpression ? nil : .name(text, isAnchored: isAnchored)
    }
}
