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
    private(set) var ranks: [(pattern: String, rank: Int)] = []
    /// Whether ranks are given to regular expressions too.
    private var hasRankExpressions = false
    private(set) var alphas: [(pattern: String, alpha: Double)] = []
    private(set) var baseName: String?
    /// How factors were initialised where that changed the base as well.
    private(set) var changedBase: String?

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
        func flag(_ key: String) -> Bool { if case .bool(true)? = object[key] { true } else { false } }
        kind = (text("peft_type") ?? "LORA").uppercased()
        guard ["LORA", "LOHA", "LOKR"].contains(kind) else {
            throw UD2MError(
                .adapterKind, "This is an adapter of kind \(kind), which is not supported.", at: location,
                remedy: "Merge it with PEFT; ud2m-lora reads LORA, LOHA and LOKR.")
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
        usesRootOfRank = flag("use_rslora")
        isTransposed = flag("fan_in_fan_out")
        trainsBiases = ["all", "lora_only"].contains(text("bias") ?? "none")
        baseName = text("base_model_name_or_path")
        if case .object(let patterns)? = object["rank_pattern"] {
            for (key, value) in patterns.members {
                guard let number = value.int, number > 0 else {
                    throw error("'rank_pattern' must hold ranks from 1 on.")
                }
                if let name = Self.literal(key) { ranks.append((name, number)) } else { hasRankExpressions = true }
            }
        }
        if case .object(let patterns)? = object["alpha_pattern"] {
            for (key, value) in patterns.members {
                guard let number = value.number, number.isFinite else {
                    throw error("'alpha_pattern' must hold numbers.")
                }
                guard let name = Self.literal(key) else {
                    throw UD2MError(
                        .adapterConfiguration, "'\(key)' is a regular expression; only names are read.", at: location,
                        remedy: "Write the modules' names in its place.")
                }
                alphas.append((name, number))
            }
        }
        // These start from a part of the base, which they take out of it.
        if let initial = text("init_lora_weights")?.lowercased(),
            ["pissa", "olora", "corda", "loftq"].contains(where: initial.hasPrefix)
        {
            changedBase = initial
        }
    }

    /// The scale's rule for a module; no rank where an expression may give it one, which the factors then tell.
    func rule(for module: String) -> (rank: Int?, alpha: Double?) {
        // A pattern is a whole name, or its end unless it is anchored.
        func fits(_ pattern: String) -> Bool {
            pattern.hasPrefix("^")
                ? module == pattern.dropFirst() : module == pattern || module.hasSuffix("." + pattern)
        }
        let named = ranks.first { fits($0.pattern) }?.rank
        return (named ?? (hasRankExpressions ? nil : rank), alphas.first { fits($0.pattern) }?.alpha ?? alpha)
    }

    /// The name that a pattern stands for, `^` before it where it is anchored; nil for other expressions.
    ///
    /// PEFT takes patterns for regular expressions; those in use are names, and running a stranger's expression could
    /// take for ever.
    private static func literal(_ pattern: String) -> String? {
        var text = pattern.replacing("\\.", with: ".")
        if text.hasSuffix("$") { text.removeLast() }
        let isExpression = text.drop { $0 == "^" }.utf8.contains { "\\*+?()[]{}|^$".utf8.contains($0) }
        return isExpression ? nil : text
    }
}

extension JSONValue {
    /// The number as a double; nil for what is none.
    var number: Double? {
        switch self {
        case .unsigned(let value): Double(value)
        case .signed(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
